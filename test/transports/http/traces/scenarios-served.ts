// Requests that are answered.

import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { answer, type Scenarios, SERVED, write } from './scenario.ts';

export const SERVED_REQUESTS: Scenarios = {
  'a GET': { server: [SERVED], caller: (stage) => void stage.get({ path: '/a?b=c' }) },
  'a response in chunks, with trailers': {
    server: [
      [
        write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n'),
        write('6\r\n world\r\n0\r\nX-T: v\r\n\r\n'),
      ],
    ],
    caller: (stage) => void stage.get(),
  },
  'a POST of a text': {
    server: [SERVED],
    caller: (stage) =>
      void stage.request({ method: 'POST' }, 'a', (response) => response.resume()).end('some text'),
  },
  'a POST in pieces': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.write('one', () => stage.note('one is written'));
      await stage.until(request, 'socket');
      request.write('two');
      request.end('three', () => stage.note('ended'));
    },
  },
  'a PUT with a Content-Length, whose head goes first': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'PUT', headers: { 'content-length': 6 } }, 'a', (response) =>
        response.resume(),
      );
      request.flushHeaders();
      await stage.server.received(1);
      request.write('abc');
      request.end('def');
    },
  },
  'an upload from a stream': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      await pipeline(Readable.from(['one', 'two', 'three']), request);
    },
  },
  'a large upload and a large response': {
    server: [['body', answer('x'.repeat(300_000))]],
    caller: (stage) =>
      void stage.request({ method: 'POST' }, 'a', (response) => response.resume()).end('y'.repeat(300_000)),
  },
  'a corked request': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ method: 'POST' }, 'a', (response) => response.resume());
      request.cork();
      request.write('a');
      request.write('b');
      request.uncork();
      request.end();
    },
  },
  'a HEAD': {
    server: [[write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')]],
    caller: (stage) => void stage.get({ method: 'HEAD' }),
  },
  'a 204': {
    server: [[write('HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n')]],
    caller: (stage) => void stage.get(),
  },
  'a 304': {
    server: [[write('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n')]],
    caller: (stage) => void stage.get({ headers: { 'if-none-match': '"1"' } }),
  },
  'a 503': {
    server: [[write('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\nno')]],
    caller: (stage) => void stage.get(),
  },
  'a response that ends with the connection': {
    server: [[write('HTTP/1.1 200 OK\r\n\r\nhello'), 'end']],
    caller: (stage) => void stage.get(),
  },
  'HTTP/1.0': {
    server: [[write('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'), 'end']],
    caller: (stage) => void stage.get(),
  },
  'early hints': {
    server: [
      [write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'), answer('ok')],
    ],
    caller: (stage) => void stage.get(),
  },
  'Expect: 100-continue': {
    server: [[write('HTTP/1.1 100 Continue\r\n\r\n'), 'body', answer('ok')]],
    caller(stage) {
      const options = { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } };
      const request = stage.request(options, 'a', (response) => response.resume());
      request.once('continue', () => request.end('body'));
    },
  },
  'Expect: 100-continue that is refused': {
    server: [
      [write('HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'), 'end'],
    ],
    caller(stage) {
      const options = { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } };
      const request = stage.request(options, 'a', (response) => response.resume());
      request.once('continue', () => request.end('body'));
      request.once('response', () => request.destroy());
    },
  },
  'an upgrade': {
    server: [
      [
        write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst'),
        'echo',
      ],
    ],
    async caller(stage) {
      const request = stage.request({ headers: { connection: 'upgrade', upgrade: 'echo' } });
      request.once('upgrade', (_response, socket, head) => {
        stage.note(`upgraded, with ${head}`);
        socket.write('ping');
        socket.once('data', (data) => {
          stage.note(`echo: ${data}`);
          socket.end();
        });
      });
      request.end();
      await stage.until(request, 'upgrade');
    },
  },
  'an upgrade that nobody listens for': {
    server: [
      [write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'), 'gone'],
    ],
    caller: (stage) => void stage.get({ headers: { connection: 'upgrade', upgrade: 'echo' } }),
  },
  'an upgrade that is not granted': {
    server: [[answer('no')]],
    caller(stage) {
      const request = stage.get({ headers: { connection: 'upgrade', upgrade: 'echo' } });
      request.once('upgrade', () => stage.note('upgraded'));
    },
  },
  CONNECT: {
    server: [[write('HTTP/1.1 200 Connection established\r\n\r\n'), 'echo']],
    async caller(stage) {
      const request = stage.request({ method: 'CONNECT', path: 'example.com:443' });
      request.once('connect', (response, socket) => {
        stage.note(`connected: ${response.statusCode}`);
        socket.write('ping');
        socket.once('data', (data: Buffer) => {
          stage.note(`echo: ${data}`);
          socket.end();
        });
      });
      request.end();
      await stage.until(request, 'connect');
    },
  },
  'a CONNECT that nobody listens for': {
    server: [[write('HTTP/1.1 200 Connection established\r\n\r\n'), 'gone']],
    caller: (stage) => void stage.get({ method: 'CONNECT', path: 'example.com:443' }),
  },
  'headers as an array': {
    server: [SERVED],
    caller: (stage) =>
      void stage.get({ headers: ['Host', 'orders.prod', 'X-B', '2', 'x-a', '1', 'X-B', '3'] }),
  },
  'headers that are set, and one that is removed': {
    server: [SERVED],
    caller(stage) {
      const request = stage.request({ headers: { 'X-One': '1', 'X-Many': ['a', 'b'] } }, 'a', (response) =>
        response.resume(),
      );
      request.setHeader('x-set', 'later');
      request.removeHeader('X-One');
      stage.note(`headers: ${JSON.stringify(request.getHeaders())}`);
      request.end();
    },
  },
  'headers that come again': {
    server: [[answer('ok', 'Set-Cookie: a', 'X-A: 1', 'set-cookie: b', 'x-a: 2')]],
    caller(stage) {
      stage
        .request({ joinDuplicateHeaders: true }, 'a', (response) => {
          stage.note(JSON.stringify([response.headers, response.headersDistinct]));
          response.resume();
        })
        .end();
    },
  },
  'large headers': {
    server: [[answer('ok', `X-Large: ${'l'.repeat(12_000)}`)]],
    caller: (stage) => void stage.get({ headers: { 'x-large': 'l'.repeat(20_000) } }),
  },
  'headers that are too large': {
    server: [[answer('ok', `X-Large: ${'l'.repeat(20_000)}`), 'gone']],
    caller: (stage) => void stage.get(),
  },
  'a maxHeaderSize of its own': {
    server: [[answer('ok', `X-Large: ${'l'.repeat(20_000)}`)]],
    caller: (stage) => void stage.get({ maxHeaderSize: 30_000 }),
  },
  'auth, and no Host header': {
    server: [SERVED],
    caller: (stage) => void stage.get({ auth: 'me:secret', setHost: false }),
  },
  'a local address': {
    server: [SERVED],
    caller(stage) {
      stage
        .request({ localAddress: '127.0.0.2' }, 'a', (response) => {
          stage.note(`from ${response.socket.localAddress}`);
          response.resume();
        })
        .end();
    },
  },
  'setNoDelay and setSocketKeepAlive': {
    server: [SERVED],
    caller(stage) {
      const request = stage.get();
      request.setNoDelay(true);
      request.setSocketKeepAlive(true, 1_000);
    },
  },
  'a response that nobody listens for': {
    server: [SERVED],
    caller: (stage) => void stage.request().end(),
  },
  'a response that is read as text': {
    server: [SERVED],
    async caller(stage) {
      const request = stage.request().end();
      const response = await stage.response(request);
      stage.note(await text(response));
    },
  },
  'a response that is read late': {
    server: [SERVED, SERVED],
    async caller(stage) {
      const response = await stage.response(stage.request().end());
      await stage.settle();
      const other = stage.get({}, 'b');
      await stage.until(other, 'response');
      response.resume();
    },
  },
  'a response that is paused': {
    server: [['body', answer('x'.repeat(200_000))]],
    async caller(stage) {
      const response = await stage.response(stage.request().end());
      response.once('data', () => {
        response.pause();
        setTimeout(() => response.resume(), 5);
      });
    },
  },
};
