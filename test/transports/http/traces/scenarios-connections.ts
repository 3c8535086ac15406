// What requests share: connections, and the limits of agents.
import { answer, type Scenarios, SERVED, write } from './scenario.ts';

export const CONNECTIONS: Scenarios = {
  'one request after the other': {
    server: [SERVED],
    async caller(stage) {
      for (const label of ['a', 'b', 'c']) {
        stage.get({ path: `/${label}` }, label);
        await stage.closed(label);
        await stage.settle();
      }
    },
  },
  'three at a time': {
    server: [SERVED],
    async caller(stage) {
      for (const label of ['a', 'b', 'c']) {
        stage.get({ path: '/' }, label);
        await stage.server.received(1);
      }
    },
  },
  'a POST that follows a GET': {
    server: [SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.request({ method: 'POST' }, 'b', (response) => response.resume()).end('text');
    },
  },
  'a request that asks for a close': {
    server: [['body', answer('bye', 'Connection: close'), 'end'], SERVED],
    async caller(stage) {
      stage.get({ headers: { connection: 'close' } }, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a response that says close': {
    server: [['body', answer('bye', 'Connection: close'), 'end'], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a response that says close, and stays open': {
    server: [['body', answer('bye', 'Connection: close'), 'gone'], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a hint of how long the server waits': {
    server: [['body', answer('ok', 'Keep-Alive: timeout=5')], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a server that ends idle connections': {
    server: [SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.server.closeConnections();
      await stage.server.allClosed();
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'bytes that nobody asked for, while a connection idles': {
    server: [['body', answer('hello'), 'go', answer('stray')], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.server.go();
      // Either ends such a connection as soon as it knows of them.
      await stage.server.allClosed();
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'a second response right behind the first': {
    server: [
      [
        'body',
        write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2`),
      ],
      SERVED,
    ],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.get({}, 'b');
    },
  },
  'one socket at most': {
    agent: { maxSockets: 1 },
    server: [SERVED],
    caller(stage) {
      for (const label of ['a', 'b', 'c']) stage.get({ path: `/${label}` }, label);
    },
  },
  'a limit over all hosts': {
    agent: { maxTotalSockets: 2 },
    server: [SERVED],
    caller(stage) {
      for (const label of ['a', 'b', 'c']) stage.get({ path: '/' }, label);
    },
  },
  'no keep-alive': {
    agent: { keepAlive: false },
    server: [['body', answer('bye', 'Connection: close'), 'end']],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      stage.get({}, 'b');
    },
  },
  'a request without an agent': {
    server: [['body', answer('bye', 'Connection: close'), 'end']],
    caller: (stage) => void stage.get({ agent: false }),
  },
  'the maps of the agent': {
    server: [['body', 'go', answer('ok')]],
    async caller(stage) {
      const { agent } = stage;
      const count = (map: NodeJS.ReadOnlyDict<unknown[]>) => Object.values(map).flat().length;
      const say = (when: string) =>
        stage.note(
          `${when}: ${count(agent.sockets)} in use, ${count(agent.freeSockets)} free, ${count(agent.requests)} wait`,
        );
      say('before');
      stage.get({}, 'a');
      await stage.server.received(1);
      say('in flight');
      stage.server.go();
      await stage.closed('a');
      await stage.settle();
      say('after');
    },
  },
  'an agent that is destroyed with a request in flight': {
    server: [['body', 'gone'], SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.server.received(1);
      stage.agent.destroy();
    },
  },
  'an agent that is destroyed while a connection idles': {
    server: [SERVED],
    async caller(stage) {
      stage.get({}, 'a');
      await stage.closed('a');
      await stage.settle();
      stage.agent.destroy();
      await stage.settle();
    },
  },
};
