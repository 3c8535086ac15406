// Callers who wait for a request's socket before they say what it has to send.

import { Readable } from 'node:stream';
import { type Scenarios, SERVED } from './scenario.ts';
import type { Stage } from './stage.ts';

function post(stage: Stage, options: object = {}) {
  return stage.request({ method: 'POST', ...options }, 'a', (response) => response.resume());
}

/** Notes what a caller's own code throws. */
function trying(stage: Stage, what: () => void, as = 'thrown'): void {
  try {
    what();
  } catch (error) {
    stage.note(`${as}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export const LISTENERS: Scenarios = {
  'headers that are set with the socket, while a body is piped': {
    server: [SERVED],
    async caller(stage) {
      const request = post(stage);
      request.once('socket', () => trying(stage, () => request.setHeader('x-late', 'late')));
      Readable.from(['one', 'two']).pipe(request);
      await stage.until(request, 'finish');
      stage.note(`${request.headersSent} ${request.getHeader('x-late')}`);
    },
  },
  'headers that are set with the socket, and writes in the next tick': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.once('socket', () => trying(stage, () => request.setHeader('x-late', 'late')));
      process.nextTick(() => {
        request.write('one', () => stage.note('one is written'));
        request.end('two', () => stage.note('ended'));
        stage.note(`writes: ended: ${request.writableEnded}, finished: ${request.finished}`);
        request.end();
      });
    },
  },
  'headers that are set with the socket of a GET that ends a turn later': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => response.resume());
      request.once('socket', () => trying(stage, () => request.setHeader('x-late', 'late')));
      setImmediate(() => request.end());
    },
  },
  'a body that is written with the socket, of a request that another one ends': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.once('socket', () => {
        trying(stage, () => request.setHeader('content-length', 4));
        request.write('body');
      });
      process.nextTick(() => request.end());
    },
  },
  'a write with the socket, between one before and those that are piped': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.write('first ');
      request.once('socket', () => {
        trying(stage, () => request.setHeader('x-late', 'late'));
        request.write('second ');
      });
      Readable.from(['third ', 'fourth']).pipe(request);
    },
  },
  'a head that is sent in the next tick, and headers with the socket': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.once('socket', () => trying(stage, () => request.setHeader('x-late', 'late')));
      process.nextTick(() => request.flushHeaders());
      setImmediate(() => request.end('body'));
    },
  },
  'writes that can’t be made': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.on('socket', () => {});
      process.nextTick(() => {
        trying(stage, () => request.write(null), 'writes');
        trying(stage, () => request.write(5), 'writes');
        trying(stage, () => request.end(5), 'writes');
        request.end('body');
      });
    },
  },
  'more than the request takes, with a listener for its socket': {
    server: [SERVED],
    async caller(stage) {
      const request = post(stage, { headers: { 'content-length': 400_000 } });
      request.on('socket', () => {});
      await new Promise(process.nextTick);
      const drained = stage.until(request, 'drain');
      stage.note(`writes: ${request.write('x'.repeat(100_000))} ${request.write('x'.repeat(200_000))}`);
      await drained;
      request.end('x'.repeat(100_000));
    },
  },
  'destroy with the socket, of a request that is piped to': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage);
      request.once('socket', () => request.destroy(new Error('mine')));
      process.nextTick(() => {
        request.write('one', (error) => stage.note(`one: ${(error as NodeJS.ErrnoException)?.code}`));
        request.end();
      });
    },
  },
  'setTimeout with the socket': {
    server: [['body']],
    caller(stage) {
      const request = post(stage);
      request.once('socket', () => {
        request.setTimeout(30, () => {
          stage.note('time has run out');
          request.destroy();
        });
      });
      request.end();
    },
  },
  'writes whose connection can’t be made': {
    server: [SERVED],
    caller(stage) {
      const request = post(stage, { port: 1 });
      request.on('socket', () => {});
      request.write('one', (error) => stage.note(`one failed: ${error instanceof Error}`));
      process.nextTick(() => {
        request.write('two', (error) => stage.note(`two failed: ${error instanceof Error}`));
        request.end('three', () => stage.note('ended'));
      });
    },
  },
};
