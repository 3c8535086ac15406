// Callers that give up, at each moment at which they can.
import { Readable } from 'node:stream';
import { answer, type Scenarios, SERVED, write } from './scenario.ts';

const HEAD_OF_TEN = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';

export const GIVEN_UP: Scenarios = {
  'destroy at once': {
    server: [SERVED],
    caller: (stage) => void stage.get().destroy(),
  },
  'destroy at once, with an error': {
    server: [SERVED],
    caller: (stage) => void stage.get().destroy(new Error('mine')),
  },
  'destroy before the end of the request': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST' });
      request.write('part');
      request.destroy(new Error('mine'));
    },
  },
  'destroy in the next tick': {
    server: [SERVED],
    caller(stage) {
      const request = stage.get();
      process.nextTick(() => request.destroy(new Error('mine')));
    },
  },
  'destroy with the socket': {
    server: [SERVED],
    caller(stage) {
      const request = stage.get();
      request.once('socket', () => request.destroy(new Error('mine')));
    },
  },
  'destroy while another has the only socket': {
    agent: { maxSockets: 1 },
    server: [['body', 'go', answer('hello')], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.server.received(1);
      stage.get({}, 'b').destroy();
      stage.get({}, 'c').destroy(new Error('mine'));
      await stage.settle();
      stage.server.go();
    },
  },
  'destroy in flight': {
    server: [['body', 'gone'], SERVED],
    async caller(stage) {
      const request = stage.get({}, 'a');
      await stage.server.received(1);
      request.destroy();
      await stage.closed('a');
      stage.get({}, 'b');
    },
  },
  'destroy in flight, with an error, twice': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.get();
      await stage.server.received(1);
      request.destroy(new Error('mine'));
      request.destroy(new Error('another'));
    },
  },
  'destroy at the response': {
    server: [[write(`${HEAD_OF_TEN}hello`), 'gone']],
    caller(stage) {
      const request = stage.request({}, 'a', () => request.destroy());
      request.end();
    },
  },
  'destroy in the body': {
    server: [[write(`${HEAD_OF_TEN}hello`), 'gone']],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.on('error', () => {});
        response.once('data', () => request.destroy(new Error('mine')));
      });
      request.end();
    },
  },
  'the response is destroyed': {
    server: [[write(`${HEAD_OF_TEN}hello`), 'gone']],
    caller(stage) {
      stage.request({}, 'a', (response) => response.once('data', () => response.destroy())).end();
    },
  },
  'the response is destroyed with an error': {
    server: [[write(`${HEAD_OF_TEN}hello`), 'gone']],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.on('error', () => {});
        response.once('data', () => response.destroy(new Error('mine')));
      });
      request.end();
    },
  },
  'the socket is destroyed in flight': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.get();
      await stage.server.received(1);
      request.socket!.destroy();
    },
  },
  'the socket is destroyed with an error': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.get();
      await stage.server.received(1);
      request.socket!.destroy(new Error('mine'));
    },
  },
  'destroy after the end': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      request.destroy(new Error('late'));
      stage.get({}, 'b');
    },
  },
  'destroy when the response has ended': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.resume();
        response.once('end', () => request.destroy());
      });
      request.end();
    },
  },
  'abort(), which is deprecated': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.get();
      await stage.server.received(1);
      request.abort();
    },
  },
  'abort() at once': { server: [SERVED], caller: (stage) => stage.get().abort() },
  'a signal that has fired before': {
    server: [SERVED],
    caller: (stage) => void stage.get({ signal: AbortSignal.abort() }),
  },
  'a signal at once': {
    server: [SERVED],
    caller(stage) {
      const controller = new AbortController();
      stage.get({ signal: controller.signal });
      controller.abort(new Error('mine'));
    },
  },
  'a signal while another has the only socket': {
    agent: { maxSockets: 1 },
    server: [['body', 'go', answer('hello')]],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.server.received(1);
      const controller = new AbortController();
      stage.get({ signal: controller.signal }, 'b');
      await stage.settle();
      controller.abort();
      await stage.settle();
      stage.server.go();
    },
  },
  'a signal in flight': {
    server: [['body', 'gone']],
    async caller(stage) {
      const controller = new AbortController();
      stage.get({ signal: controller.signal });
      await stage.server.received(1);
      controller.abort();
    },
  },
  'a signal in the body': {
    server: [[write(`${HEAD_OF_TEN}hello`), 'gone']],
    async caller(stage) {
      const controller = new AbortController();
      const request = stage.request({ signal: controller.signal }, 'a', (response) => {
        response.on('error', () => {});
        response.once('data', () => controller.abort());
      });
      request.end();
    },
  },
  'destroy in the midst of an upload': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.request({ method: 'POST' });
      request.write('part');
      await stage.server.received(1);
      request.destroy(new Error('mine'));
    },
  },
  'a stream that fails in the midst of an upload': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.request({ method: 'POST' });
      const body = new Readable({ read() {} });
      body.on('error', (error) => request.destroy(error));
      body.pipe(request);
      body.push('part');
      await stage.server.received(1);
      body.destroy(new Error('of the stream'));
    },
  },
  'writes after the end': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.end('text');
      request.write('more', (error) => stage.note(`write: ${error?.message}`));
    },
  },
  'writes after destroy': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST' });
      request.destroy();
      request.write('more', (error) => stage.note(`write: ${error?.message}`));
      request.end();
    },
  },
  'an early response to an upload': {
    server: [[write('HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno'), 'body'], SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.write('part');
      await stage.until(request, 'response');
      await stage.settle();
      request.end('rest');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'an early response, whose upload is given up': {
    server: [[write('HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno'), 'gone'], SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.write('part');
      await stage.until(request, 'response');
      await stage.settle();
      request.destroy();
      await stage.closed('a');
      stage.get({}, 'b');
    },
  },
  'an early response and a close': {
    server: [
      [
        write('HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'),
        'end',
        'gone',
      ],
    ],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.write('part');
      await stage.until(request, 'response');
    },
  },
};
