import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { recordedConnector } from '../../support/connector.ts';
import { answer, type H2Pod, h2c, startH2Pod } from '../../support/h2-pod.ts';
import { nextAddress } from '../../support/pods.ts';
import { startRelay } from '../../support/raw-server.ts';

test('streams that a GOAWAY refuses are served elsewhere while the accepted one goes on', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const first: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
    if (headers[':path'] === '/held') held.push(stream);
    else if (nth === 2 || stream.session !== first.sessions[0]) answer(stream, headers, nth);
    // Streams 1 and 3 were taken; what comes after them isn't.
    else if (nth === 3) stream.session!.goaway(constants.NGHTTP2_NO_ERROR, 3);
  });
  const agent = startAgent(t, [first], h2c);
  const waiting = agent.request({ origin: ORIGIN, path: '/held', method: 'GET' });
  await get(agent, '/first');
  const refused = Array.from({ length: 20 }, () =>
    agent.request({ origin: ORIGIN, path: '/', method: 'POST', body: 'x' }),
  );
  for (const { statusCode, body } of await Promise.all(refused)) {
    assert.equal(statusCode, 200);
    await body.dump();
  }
  assert.equal(first.sessions.length, 2);
  answer(held[0]!, {}, 0);
  const { body, statusCode } = await waiting;
  assert.equal(statusCode, 200);
  await body.dump();
});

test('after a GOAWAY, without retries, what is refused is served by the next session, and what is accepted fails with the agent', async (t) => {
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    // Streams 1 and 3 were taken; what comes after them isn't.
    if (nth === 2) stream.session!.goaway(constants.NGHTTP2_NO_ERROR, 3);
    else answer(stream, headers, nth);
  });
  const agent = startAgent(t, [pod], { ...h2c, retry: false });
  await get(agent);
  const accepted = assert.rejects(get(agent), { code: 'UND_ERR_DESTROYED' });
  assert.equal(await get(agent), 'ok');
  assert.equal(pod.sessions.length, 2);
  await Promise.all([agent.destroy(), accepted]);
});

test('after a GOAWAY, the socket is closed with the last stream, though the server keeps it open', async (t) => {
  let carried: ServerHttp2Stream | undefined;
  const pod = await startH2Pod(t, (stream) => {
    carried = stream;
    stream.respond({ ':status': 200 });
    stream.write('some');
    // With that, Node's server reads no more, and does not learn that the client has closed.
    stream.session!.goaway(constants.NGHTTP2_NO_ERROR);
  });
  const { connect, sockets } = recordedConnector({ useH2c: true });
  const agent = startAgent(t, [pod], { connect });
  const gone = once(agent, 'disconnect');
  const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  await gone;
  carried!.end(' more');
  assert.equal(await body.text(), 'some more');
  await agent.close();
  assert.ok(sockets.at(-1)!.destroyed);
});

test('a refused stream goes to another endpoint', async (t) => {
  const refusing = await startH2Pod(t, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  const healthy = await startH2Pod(t);
  const agent = startAgent(t, [refusing, healthy], h2c);
  for (let n = 0; n < 20; n++) await get(agent);
  assert.equal(healthy.streams >= 20, true);
});

for (const code of ['NGHTTP2_CANCEL', 'NGHTTP2_NO_ERROR'] as const) {
  test(`a request whose stream is ended with ${code} is served by another endpoint`, async (t) => {
    const ending = await startH2Pod(t, (stream) => stream.close(constants[code]));
    const healthy = await startH2Pod(t);
    const agent = startAgent(t, [ending, healthy], { ...h2c, policy: 'round-robin' });
    for (let n = 0; n < 6; n++) await get(agent);
    assert.ok(ending.streams > 0);
  });
}

test('a server that refuses every stream ends in an error, not in a loop', async (t) => {
  const refusing = await startH2Pod(t, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  const agent = startAgent(t, [refusing], h2c);
  await assert.rejects(get(agent));
  assert.ok(refusing.streams < 40, String(refusing.streams));
  assert.equal(agent.stats[ORIGIN]!.running, 0);
});

test('a session that ends between requests is replaced without notice', async (t) => {
  const pod = await startH2Pod(t);
  const agent = startAgent(t, [pod], h2c);
  for (let n = 0; n < 5; n++) {
    await get(agent);
    const session = pod.sessions.at(-1)!;
    const closed = once(session, 'close');
    session.close();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(pod.sessions.length >= 5);
});

test('a peer that sends no SETTINGS keeps the request it has, as with undici, and gets no other', async (t) => {
  const sockets: Socket[] = [];
  const mute = createTcpServer((socket) => {
    sockets.push(socket.on('error', () => {}).resume());
  });
  mute.listen(0, nextAddress());
  await once(mute, 'listening');
  t.after(() => mute.close());
  const { address, port } = mute.address() as AddressInfo;
  const agent = startAgent(t, [{ endpoint: { address, port } }], { ...h2c, connectTimeout: 100 });
  const first = agent.request({ origin: ORIGIN, path: '/', method: 'POST' });
  while (sockets.length < 1) await once(mute, 'connection');
  const controller = new AbortController();
  const second = agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal: controller.signal });
  while (sockets.length < 2) await once(mute, 'connection');
  controller.abort();
  await assert.rejects(second);
  const others = sockets.slice(1);
  await Promise.all(others.map((socket) => socket.closed || once(socket, 'close')));
  assert.equal(sockets[0]!.closed, false);
  assert.equal(agent.stats[ORIGIN]!.running, 1);
  await Promise.all([agent.destroy(), assert.rejects(first, { code: 'UND_ERR_DESTROYED' })]);
});

test('requests wait for a pod that is slow to send its SETTINGS for as long as for a dial', async (t) => {
  const pod = await startH2Pod(t, answer);
  const held: [Socket, Buffer][] = [];
  const heard = Promise.withResolvers<void>();
  let hold = true;
  const relay = await startRelay(t, pod.endpoint, (upstream, client) => {
    upstream.on('data', (chunk: Buffer) => {
      if (hold) held.push([client, chunk]);
      else client.write(chunk);
      // Its SETTINGS come first, then the answer.
      if (held.length > 1) heard.resolve();
    });
  });
  const clock = new FakeClock();
  const agent = startAgent(t, [relay], { ...h2c, clock });
  const requests = [get(agent), get(agent), get(agent)];
  await heard.promise;
  // Less than a dial may take, more than a request waits that nobody is dialled for.
  clock.advance('8s');
  hold = false;
  for (const [client, chunk] of held) client.write(chunk);
  assert.deepEqual(await Promise.all(requests), ['ok', 'ok', 'ok']);
});

test('a peer that answers no PING is given up', async (t) => {
  const pod = await startH2Pod(t, () => {});
  const relay = await startRelay(t, pod.endpoint);
  const agent = startAgent(t, [relay], { h2Options: { useH2c: true, pingInterval: 100 } });
  const unanswered = agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  while (pod.streams === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  relay.freeze();
  await assert.rejects(unanswered, { code: 'EVENKEEL_UNRESPONSIVE' });
});

test('no cap ends an event stream, only the requests beside it', async (t) => {
  const streams: ServerHttp2Stream[] = [];
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (headers[':path'] === '/') return answer(stream, headers, nth);
    streams.push(stream);
    if (headers[':path'] === '/events') stream.respond({ 'content-type': 'text/event-stream' });
  });
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], {
    ...h2c,
    clock,
    maxConnectionDuration: '10s',
    connectionDurationJitter: 0,
    drainTimeout: '1s',
  });
  const headers = { accept: 'text/event-stream' };
  const { body } = await agent.request({ origin: ORIGIN, path: '/events', method: 'GET', headers });
  const held = get(agent, '/held');
  while (streams.length < 2) await new Promise(setImmediate);
  clock.advance('10s');
  clock.advance('1s');
  await assert.rejects(held, { code: 'EVENKEEL_DRAIN_TIMEOUT' });
  await get(agent);
  assert.equal(pod.sessions.length, 2);

  const [events] = streams;
  const closed = once(events!.session!, 'close');
  events!.end('data: still here\n\n');
  assert.equal(await body.text(), 'data: still here\n\n');
  await closed;
});
