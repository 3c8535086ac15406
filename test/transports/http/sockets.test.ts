// What becomes of the sockets that requests are given.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { answerOf, ask, closeOf, eventsOf, HOST, startHttpAgent } from '../../support/http-agent.ts';
import { startPod, startPods } from '../../support/pods.ts';
import { startRawServer } from '../../support/raw-server.ts';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that does with each request, and its socket, what it is told. */
async function startRaw(t: TestContext, onRequest: (socket: Socket, head: string, nth: number) => void) {
  return startRawServer(t, (socket) => {
    let requests = 0;
    socket.on('data', (head) => onRequest(socket, String(head), ++requests));
  });
}

test('a byte that nobody asked for ends an idle connection, and is no response', async (t) => {
  const server = await startRaw(t, (socket) => socket.write(ANSWER));
  const agent = startHttpAgent(t, [server]);
  await ask(agent);
  const [first] = server.sockets;
  const closed = once(first!, 'close');
  first!.write(ANSWER.replace('ok', 'no'));
  await closed;
  assert.equal((await ask(agent)).body, 'ok');
});

test('a response that is followed by more bytes is the last on its connection', async (t) => {
  const server = await startRaw(t, (socket) =>
    socket.write(`${ANSWER}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno`),
  );
  const agent = startHttpAgent(t, [server]);
  for (let n = 0; n < 3; n++) assert.equal((await ask(agent)).body, 'ok');
  assert.ok(server.sockets.length >= 3);
});

test('a connection lasts as long as its server says, less a second', async (t) => {
  const answer = ANSWER.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1\r\n\r\n');
  const server = await startRaw(t, (socket) => socket.write(answer));
  const agent = startHttpAgent(t, [server]);
  await ask(agent);
  await once(server.sockets[0]!, 'close');
  await ask(agent);
  assert.equal(server.sockets.length, 2);
});

test('a server that says in a later response that it waits no longer is asked on a new connection', async (t) => {
  let requests = 0;
  const server = await startRaw(t, (socket) => {
    const seconds = ++requests === 2 ? 1 : 60;
    socket.write(ANSWER.replace('\r\n\r\n', `\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`));
  });
  const agent = startHttpAgent(t, [server]);
  for (let n = 0; n < 4; n++) await ask(agent);
  assert.equal(server.sockets.length, 2);
});

test('Connection: close ends the connection when the response has', async (t) => {
  const pod = await startPod(t);
  pod.respond = (_request, response) => response.setHeader('connection', 'close').end('x');
  const agent = startHttpAgent(t, [pod]);
  for (let n = 0; n < 3; n++) assert.equal((await ask(agent)).body, 'x');
  assert.equal(pod.connections.length, 3);
  await pod.allClosed();
});

test('reusedSocket tells of each connection that has idled', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  const seen = [];
  for (let n = 0; n < 3; n++) seen.push((await ask(agent)).request.reusedSocket);
  assert.deepEqual(seen, [false, true, true]);
});

test('a timeout that somebody left on a socket does not end it while it idles', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  const request = http.get({ host: HOST, agent });
  // With the response, whose end is due before any timer.
  request.prependOnceListener('response', ({ socket }) => {
    socket.setTimeout(30);
    socket.on('timeout', () => socket.destroy());
  });
  await answerOf(request);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await ask(agent);
  assert.equal(pod.connections.length, 1);
});

for (const listens of [true, false]) {
  test(`a pod that switches protocols unasked gets few requests, ${listens ? 'with' : 'without'} a listener for that`, async (t) => {
    const pods = await startPods(t, 2);
    const liar = await startRaw(t, (socket) => socket.write(SWITCHED));
    const agent = startHttpAgent(t, [...pods, liar], { retry: false });
    const send = async () => {
      const request = http.get({ host: HOST, agent }, (response) => response.resume());
      request.on('error', () => {});
      if (listens) request.on('upgrade', (_response, socket) => socket.destroy());
      await closeOf(request);
    };
    for (let n = 0; n < 60; n++) await send();
    // Of 60, each on a connection of its own.
    assert.ok(liar.sockets.length <= 6, `${liar.sockets.length}`);
  });
}

test('an upgraded socket is its caller’s, and counts apart', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhi');
      socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end());
    });
  }
  const agent = startHttpAgent(t, pods);
  await ask(agent);
  const upgrade = async () => {
    const request = http.get({ host: HOST, agent, headers: { connection: 'Upgrade', upgrade: 'echo' } });
    const [response, socket, head] = (await once(request, 'upgrade')) as [IncomingMessage, Socket, Buffer];
    assert.deepEqual([response.statusCode, String(head)], [101, 'hi']);
    assert.equal(socket.emit, Socket.prototype.emit);
    assert.equal(socket.listenerCount('error'), 0);
    return socket;
  };
  const sockets = [await upgrade(), await upgrade(), await upgrade(), await upgrade()];
  const counts = pods.map(
    ({ address }) => sockets.filter(({ remoteAddress }) => remoteAddress === address).length,
  );
  assert.deepEqual(counts, [2, 2]);
  for (const socket of sockets) {
    socket.write('echo');
    assert.equal(String((await once(socket, 'data'))[0]), 'echo');
  }
  const { running } = agent.stats[`http://${HOST}`]!;
  assert.equal(running, 0);
  assert.deepEqual({ ...agent.sockets }, {});
  for (const socket of sockets) socket.destroy();
});

test('CONNECT gives its caller the socket', async (t) => {
  const pod = await startPod(t);
  pod.server.on('connect', (_request, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nbye'));
  const agent = startHttpAgent(t, [pod]);
  const request = http.request({ host: HOST, agent, method: 'CONNECT', path: 'a:1' }).end();
  const [, socket, head] = (await once(request, 'connect')) as [IncomingMessage, Socket, Buffer];
  assert.equal(String(head) + (await text(socket)), 'bye');
});

test('a request with nobody who listens for its response leaves its connection free', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  const request = http.get({ host: HOST, agent });
  await closeOf(request);
  await ask(agent);
  assert.equal(pod.connections.length, 1);
});

test('a response that its caller ends is nobody’s failure', async (t) => {
  const pod = await startPod(t);
  pod.respond = (_request, response) => {
    response.writeHead(200, { 'content-length': 1e6 }).write('a');
  };
  const agent = startHttpAgent(t, [pod]);
  const end = async (how: (request: ClientRequest, response: IncomingMessage) => void) => {
    const request = http.get({ host: HOST, agent }).on('error', () => {});
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    how(request, response);
    await closeOf(request);
  };
  await end((_, response) => response.destroy());
  await end((request) => request.destroy());
  await end((request) => request.socket!.destroy());
  assert.equal(agent.stats[`http://${HOST}`]!.endpoints[0]!.failures, 0);
});

test('an early response with an upload that goes on frees its connection when both have ended', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => {
    request.resume();
    response.end('early');
  };
  const agent = startHttpAgent(t, [pod]);
  const request = http.request({ host: HOST, agent, method: 'POST' });
  request.write('a');
  const { body } = await answerOf(request);
  assert.equal(body, 'early');
  assert.equal(agent.stats[`http://${HOST}`]!.free, 0);
  request.end('b');
  await closeOf(request);
  await ask(agent);
  assert.equal(pod.connections.length, 1);
});

test('interim responses, HEAD and 304 come as they do from Node’s agent', async (t) => {
  const server = await startRaw(t, (socket, head) => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
    const status = head.startsWith('HEAD')
      ? '200 OK\r\nContent-Length: 99'
      : '304 Not Modified\r\nContent-Length: 99';
    socket.write(`${early}HTTP/1.1 ${status}\r\n\r\n`);
  });
  const agent = startHttpAgent(t, [server]);
  for (const method of ['HEAD', 'GET']) {
    const request = http.request({ host: HOST, agent, method });
    const events = eventsOf(request);
    await answerOf(request.end());
    await closeOf(request);
    assert.deepEqual(events, ['socket', 'information', 'response', 'close']);
  }
  assert.equal(server.sockets.length, 1);
});

test('many requests put no listeners on their sockets that stay', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  const counts = new Set<string>();
  for (let n = 0; n < 30; n++) {
    const request = http.get({ host: HOST, agent });
    const [socket] = (await once(request, 'socket')) as [Socket];
    await answerOf(request);
    if (n > 0)
      counts.add(
        socket
          .eventNames()
          .map((name) => `${String(name)} ${socket.listenerCount(name)}`)
          .join(),
      );
  }
  assert.equal(counts.size, 1);
});
