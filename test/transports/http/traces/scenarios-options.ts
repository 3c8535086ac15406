// Options and methods that few callers use, at moments when few do.
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { answer, type Scenarios, SERVED, write } from './scenario.ts';
import type { Stage } from './stage.ts';

const WAITS = ['body', 'go', answer('hello')] as const;
const drop = (response: { resume(): unknown }) => void response.resume();

/** What calling something throws. */
function noteThrown(stage: Stage, what: string, act: () => unknown): void {
  try {
    act();
    stage.note(`${what}: nothing thrown`);
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException;
    stage.note(`${what}: ${name} ${code} ${message}`);
  }
}

/** Reads a part of a response, and sends the next request when that has ended. */
async function leaveIteration(stage: Stage): Promise<void> {
  const response = await stage.response(stage.request({}, 'a').end());
  for await (const chunk of response) {
    stage.note(`left after ${String(chunk)}`);
    break;
  }
  await stage.closed('a');
  await stage.settle();
  stage.get({}, 'b');
}

export const OPTIONS: Scenarios = {
  'setTimeout(0) takes back options.timeout': {
    server: [WAITS],
    async caller(stage) {
      const request = stage.get({ timeout: 300 });
      request.setTimeout(0);
      await stage.server.received(1);
      await delay(600);
      stage.server.go();
    },
  },
  'setTimeout after the response, whose body stalls': {
    server: [[write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), 'go', write('+half')]],
    async caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.resume();
        request.setTimeout(100, () => stage.server.go());
      });
      request.end();
    },
  },
  'setTimeout when all is over': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.get();
      await stage.closed();
      request.setTimeout(20, () => stage.note('timed out'));
      await delay(100);
    },
  },
  'setTimeout with callbacks, twice': {
    server: [WAITS],
    async caller(stage) {
      const request = stage.get();
      request.setTimeout(200, () => stage.note('first'));
      request.setTimeout(100, function (this: unknown) {
        stage.note(`second, of the request: ${this === request}`);
        stage.server.go();
      });
    },
  },
  'timeout: 0': { server: [SERVED], caller: (stage) => void stage.get({ timeout: 0 }) },
  'a timeout that is no number': {
    server: [SERVED],
    caller(stage) {
      noteThrown(stage, 'timeout', () => stage.get({ timeout: '9' as unknown as number }));
      noteThrown(stage, 'negative', () => stage.get({ timeout: -1 }, 'b'));
    },
  },
  insecureHTTPParser: {
    server: [['body', write('HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 1\r\n\r\nx')]],
    async caller(stage) {
      stage.get({ insecureHTTPParser: true }, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({ insecureHTTPParser: false }, 'b');
    },
  },
  joinDuplicateHeaders: {
    server: [
      ['body', answer('ok', 'Age: 1', 'Age: 2', 'X-A: 1', 'X-A: 2', 'Set-Cookie: a', 'Set-Cookie: b')],
    ],
    caller(stage) {
      const joined = { joinDuplicateHeaders: true, headers: { 'x-b': ['1', '2'] } };
      stage
        .request(joined, 'a', (response) => {
          stage.note(JSON.stringify(response.headers));
          response.resume();
        })
        .end();
    },
  },
  uniqueHeaders: {
    server: [SERVED],
    caller: (stage) =>
      void stage.get({ uniqueHeaders: ['x-b'], headers: { 'x-b': ['1', '2'], 'x-c': ['1', '2'] } }),
  },
  'no default headers': {
    server: [SERVED],
    caller: (stage) => void stage.get({ setDefaultHeaders: false, headers: { host: 'other', 'x-a': '1' } }),
  },
  'a small highWaterMark': {
    server: [WAITS],
    caller(stage) {
      const request = stage.request({ method: 'POST', highWaterMark: 1 } as object, 'a', drop);
      stage.note(`takes more: ${request.write('abc')} ${request.writableHighWaterMark}`);
      request.end();
      stage.server.go();
    },
  },
  'a family, hints and autoSelectFamily': {
    server: [SERVED],
    caller: (stage) =>
      void stage.get({
        family: 4,
        hints: 0,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 20,
      } as object),
  },
  'trailers of a request': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST', headers: { trailer: 'X-T' } }, 'a', drop);
      request.write('text');
      request.addTrailers({ 'X-T': 'v' });
      request.end();
    },
  },
  'flushHeaders of a GET that ends later': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({}, 'a', drop);
      request.flushHeaders();
      await stage.server.received(1);
      request.end(() => stage.note('ended'));
    },
  },
  'callbacks of writes, of an end, and of nothing': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', drop);
      request.write('', () => stage.note('nothing is written'));
      request.write('one', () => stage.note('one is written'));
      request.write(Buffer.from('two'), () => stage.note('two is written'));
      request.end(() => stage.note('ended'));
      await stage.closed();
      request.end((error?: Error) => stage.note(`ended again: ${(error as NodeJS.ErrnoException)?.code}`));
      await stage.settle();
    },
  },
  'corked, and uncorked when it has a socket': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', drop);
      request.cork();
      request.write('a');
      await stage.until(request, 'socket');
      request.write('b');
      stage.note(`corked ${request.writableCorked}, ${request.writableLength} wait`);
      request.uncork();
      request.end();
    },
  },
  'a server that ends after the response, without a word': {
    server: [['body', answer('bye'), 'end'], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.server.allClosed();
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'protocols, methods, paths and headers that Node refuses': {
    server: [SERVED],
    caller(stage) {
      noteThrown(stage, 'protocol', () => stage.get({ protocol: 'ftp:' }));
      noteThrown(stage, 'path', () => stage.get({ path: '/a b' }));
      noteThrown(stage, 'method', () => stage.get({ method: 'A B' }));
      noteThrown(stage, 'header', () => stage.get({ headers: { 'x-a': 'a\nb' } }));
      noteThrown(stage, 'name', () => stage.get({ headers: { 'a b': '1' } }));
      noteThrown(stage, 'port', () => stage.get({ agent: {} as never }));
      stage.get({}, 'b');
    },
  },
  'a method that is empty, and one in small letters': {
    server: [SERVED],
    async caller(stage) {
      stage.get({ method: '' }, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({ method: 'get' }, 'b');
    },
  },
  'no Host header': {
    server: [SERVED],
    caller: (stage) => void stage.get({ setHost: false }),
  },
  'a Host header of its own': {
    server: [SERVED],
    caller: (stage) => void stage.get({ headers: { Host: 'other.test:99' } }),
  },
  'an iteration over the response that is left': {
    server: [[write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), 'gone'], SERVED],
    caller: leaveIteration,
  },
  'an iteration over a complete response that is left': {
    server: [SERVED],
    caller: leaveIteration,
  },
  'once(), and a response that is destroyed later': {
    server: [[write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), 'gone']],
    async caller(stage) {
      const response = await stage.response(stage.request({}, 'a').end());
      await stage.settle();
      response.destroy(new Error('enough'));
      response.on('error', (error) => stage.note(`response: ${error.message}`));
    },
  },
  'destroy when the request is finished': {
    server: [['body', 'gone']],
    caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', drop);
      request.once('finish', () => request.destroy());
      request.end('text');
    },
  },
  'destroy with a response, and an upload under way': {
    server: [[answer('early'), 'gone']],
    caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', () => request.destroy(new Error('enough')));
      request.write('text');
    },
  },
  'a strict Content-Length that is not kept': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST', headers: { 'content-length': 4 } }, 'a', drop);
      Object.assign(request, { strictContentLength: true });
      noteThrown(stage, 'write', () => request.write('too long'));
      request.destroy();
    },
  },
  'a GET and a DELETE with a body': {
    server: [SERVED],
    async caller(stage) {
      stage.request({ headers: { 'content-length': 4 } }, 'a', drop).end('text');
      await stage.closed('a');
      await stage.settle();
      stage.request({ method: 'DELETE' }, 'b', drop).end('text');
    },
  },
  'OPTIONS of the server itself': {
    server: [SERVED],
    caller: (stage) => void stage.get({ method: 'OPTIONS', path: '*' }),
  },
  'no chunks by default': {
    server: [['gone']],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', drop);
      request.useChunkedEncodingByDefault = false;
      request.end('text');
      await stage.server.received(1);
      stage.note(`keeps alive: ${request.shouldKeepAlive}`);
      request.destroy();
    },
  },
  'headers after they were sent': {
    server: [WAITS],
    async caller(stage) {
      const request = stage.request({ headers: { 'x-a': '1' } }, 'a', drop);
      request.setHeader('x-b', '2');
      request.end();
      await stage.server.received(1);
      noteThrown(stage, 'setHeader', () => request.setHeader('x-c', '3'));
      noteThrown(stage, 'removeHeader', () => request.removeHeader('x-a'));
      stage.note(JSON.stringify([request.getHeaders(), request.getRawHeaderNames(), request.headersSent]));
      stage.server.go();
    },
  },
  'a path that changes before it is sent': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ path: '/a' }, 'a', drop);
      request.path = '/b';
      request.method = 'PUT';
      request.end();
    },
  },
  'an answer 100 that nobody asked for': {
    server: [['body', write('HTTP/1.1 100 Continue\r\n\r\n'), answer('ok')]],
    caller: (stage) => void stage.get(),
  },
  'an answer 102, with headers': {
    server: [['body', write('HTTP/1.1 102 Processing\r\nX-A: 1\r\n\r\n'), answer('ok')]],
    caller: (stage) => void stage.get(),
  },
  'an upgrade with bytes behind it, which the server ends': {
    server: [[write('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: e\r\n\r\nfirst'), 'end']],
    caller(stage) {
      const request = stage.request({ headers: { connection: 'Upgrade', upgrade: 'e' } });
      request.once('upgrade', (_response, socket, head) => {
        stage.note(`head ${String(head)}, ${socket.listenerCount('error')} listeners for errors`);
        socket.on('end', () => socket.end()).resume();
      });
      request.end();
    },
  },
  'what requests and responses say of their socket': {
    server: [WAITS],
    async caller(stage) {
      const request = stage.get();
      stage.note(`${request.socket} ${request.connection}`);
      request.once('socket', (socket) => stage.note(`with 'socket': ${socket === request.socket}`));
      await stage.server.received(1);
      const answered = stage.response(request);
      stage.server.go();
      const response = await answered;
      stage.note(`response: ${response.socket === request.socket} ${response.connection === request.socket}`);
      await stage.closed();
      stage.note(
        `at the end: ${response.socket === null} ${request.socket === null} ${request.reusedSocket}`,
      );
    },
  },
  'a response with an encoding': {
    server: [['body', answer('h\xc3\xa9')]],
    caller(stage) {
      stage
        .request({}, 'a', (response) => {
          response.setEncoding('utf8');
          void text(response).then((all) => stage.note(all));
        })
        .end();
    },
  },
  'a response to which somebody listens only later': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request().end();
      await stage.until(request, 'socket');
      request.on('response', (response) => void text(response).then((all) => stage.note(all)));
    },
  },
  'a socket that somebody unrefs': {
    server: [SERVED],
    caller(stage) {
      const request = stage.get();
      request.once('socket', (socket) => socket.unref().ref().setKeepAlive(true, 100).setNoDelay(false));
    },
  },
  'a HEAD with a body': {
    server: [['body', answer('evil')], SERVED],
    async caller(stage) {
      stage.get({ method: 'HEAD' }, 'a');
      await stage.closed('a');
      await stage.server.allClosed();
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'both lengths and chunks': {
    server: [
      [
        'body',
        write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
        'gone',
      ],
    ],
    caller: (stage) => void stage.get(),
  },
  'a status line with nothing else': {
    server: [['body', write('HTTP/1.1 200\r\n\r\n'), 'end']],
    caller: (stage) => void stage.get(),
  },
  'Expect, an early refusal, and a body all the same': {
    server: [[write('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'), 'body'], SERVED],
    async caller(stage) {
      const request = stage.request(
        { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } },
        'a',
        drop,
      );
      request.flushHeaders();
      await stage.response(request);
      request.end('text');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a response that is paused for long, and resumed': {
    server: [['body', answer('x'.repeat(200_000))]],
    async caller(stage) {
      const response = await stage.response(stage.request({}, 'a').end());
      response.pause();
      response.on('data', () => {});
      await delay(100);
      response.resume();
    },
  },
};
