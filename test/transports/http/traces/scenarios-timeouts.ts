// Timeouts of each kind.
import { answer, type Scenarios, SERVED, write } from './scenario.ts';

export const TIMEOUTS: Scenarios = {
  'options.timeout, and a caller who gives up': {
    server: [['body', 'gone']],
    caller(stage) {
      const request = stage.get({ timeout: 30 });
      request.once('timeout', () => request.destroy(new Error('too late')));
    },
  },
  'options.timeout, and a caller who waits on': {
    server: [['body', 'go', answer('late')]],
    caller(stage) {
      const request = stage.get({ timeout: 30 });
      request.once('timeout', () => stage.server.go());
    },
  },
  'options.timeout that is not reached': {
    server: [SERVED],
    async caller(stage) {
      stage.get({ timeout: 2_000 }, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'options.timeout while another has the only socket': {
    agent: { maxSockets: 1 },
    server: [['body', 'go', answer('hello')], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.server.received(1);
      const request = stage.get({ timeout: 30 }, 'b');
      // Node's own timer is the socket's, which this request does not have yet.
      setTimeout(() => stage.server.go(), 60);
      await stage.until(request, 'socket');
    },
  },
  'setTimeout before there is a socket': {
    server: [['body', 'gone']],
    caller(stage) {
      const request = stage.get();
      request.setTimeout(30, () => request.destroy());
    },
  },
  'setTimeout in flight': {
    server: [['body', 'gone']],
    async caller(stage) {
      const request = stage.get();
      await stage.server.received(1);
      request.setTimeout(30, () => request.destroy(new Error('too late')));
    },
  },
  'setTimeout that is taken back': {
    server: [['body', 'go', answer('late')]],
    async caller(stage) {
      const request = stage.get();
      request.setTimeout(30);
      await stage.server.received(1);
      request.setTimeout(0);
      setTimeout(() => stage.server.go(), 60);
    },
  },
  'the timeout of the agent': {
    agent: { timeout: 30 },
    server: [['body', 'gone']],
    caller(stage) {
      const request = stage.get();
      request.once('timeout', () => request.destroy());
    },
  },
  'the timeout of the agent, and one of the request': {
    agent: { timeout: 2_000 },
    server: [['body', 'gone']],
    caller(stage) {
      const request = stage.get({ timeout: 30 });
      request.once('timeout', () => request.destroy());
    },
  },
  'a timeout in the body': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'), 'gone']],
    caller(stage) {
      const request = stage.request({ timeout: 30 }, 'a', (response) =>
        response.on('error', () => {}).resume(),
      );
      request.once('timeout', () => request.destroy());
      request.end();
    },
  },
  'the timeout of the response': {
    server: [['body', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'), 'gone']],
    caller(stage) {
      const request = stage.request({}, 'a', (response) => {
        response.on('error', () => {}).resume();
        response.setTimeout(30, () => {
          stage.note('the response is late');
          request.destroy();
        });
      });
      request.end();
    },
  },
  'the timeout of the socket': {
    server: [['body', 'gone'], SERVED],
    caller(stage) {
      const request = stage.get();
      request.once('socket', (socket) => socket.setTimeout(30, () => socket.destroy()));
    },
  },
  'a timeout that was left on the socket': {
    server: [SERVED, ['body', 'go', answer('late')]],
    async caller(stage) {
      const first = stage.get({}, 'a');
      first.once('socket', (socket) => socket.setTimeout(30));
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
      await stage.server.received(2);
      setTimeout(() => stage.server.go(), 60);
    },
  },
  'a signal with a timeout': {
    server: [['body', 'gone']],
    // Its time runs from now on: it is to be enough for a connection, on a busy machine as well.
    caller: (stage) => void stage.get({ signal: AbortSignal.timeout(300) }),
  },
};
