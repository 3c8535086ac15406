// Servers that break what they began.
import { type Scenarios, SERVED, write } from './scenario.ts';

const POST = { method: 'POST' };

export const BROKEN: Scenarios = {
  'a reset before the response to a GET': {
    server: [['body', 'reset']],
    caller: (stage) => void stage.get(),
  },
  'a reset before the response to a POST': {
    server: [['body', 'reset']],
    caller: (stage) => void stage.request(POST, 'a').end('text'),
  },
  'an end before the response': { server: [['body', 'end']], caller: (stage) => void stage.get() },
  'an end before the response to a POST': {
    server: [['body', 'end']],
    caller: (stage) => void stage.request(POST).end('text'),
  },
  'a reset in the midst of an upload': {
    server: [['reset']],
    caller: (stage) => void stage.request(POST).write('part'),
  },
  'a reset in the head of the response': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-'), 'go', 'reset']],
    async caller(stage) {
      stage.get();
      await stage.server.received(1);
      await stage.settle();
      stage.server.go();
    },
  },
  'an end in the head of the response': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-'), 'end']],
    caller: (stage) => void stage.get(),
  },
  'a reset in the body of the response': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'), 'go', 'reset']],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.on('error', () => {});
        response.once('data', () => stage.server.go());
      });
      request.end();
    },
  },
  'an end in the body of the response': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'), 'end']],
    caller(stage) {
      stage.request({}, 'a', (response) => response.on('error', () => {}).resume()).end();
    },
  },
  'an end in the midst of chunks': {
    server: [['body', write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'), 'end']],
    caller(stage) {
      stage.request({}, 'a', (response) => response.on('error', () => {}).resume()).end();
    },
  },
  'an end after early hints': {
    server: [['body', write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'), 'end']],
    caller: (stage) => void stage.get(),
  },
  'no HTTP': {
    server: [['body', write('nonsense\r\n\r\n'), 'gone'], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      stage.get({}, 'b');
    },
  },
  'chunks that are none': {
    server: [['body', write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'), 'gone']],
    caller(stage) {
      stage.request({}, 'a', (response) => response.on('error', () => {}).resume()).end();
    },
  },
  'a reset of a connection that was used before': {
    server: [SERVED, ['body', 'reset']],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.request(POST, 'b').end('text');
    },
  },
  'nobody listens': {
    server: [SERVED],
    caller: (stage) => void stage.get({ port: 1 }),
  },
};
