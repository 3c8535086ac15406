// Pods that speak HTTP, but not as they should, beside others that serve.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { settle, startPods } from '../../support/pods.ts';
import { type RawServer, startRawServer } from '../../support/raw-server.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** A server that answers each request with `ANSWER` or as it is told. */
function startRaw(t: TestContext, onRequest = (socket: Socket) => void socket.write(ANSWER)) {
  return startRawServer(t, (socket) => socket.on('data', () => onRequest(socket)));
}

function isEjected(agent: BalancedAgent, { endpoint }: RawServer): boolean {
  const { endpoints } = agent.stats[ORIGIN]!;
  return (
    endpoints.find(({ address }) => address === `${endpoint.address}:${endpoint.port}`)!.state === 'ejected'
  );
}

/** Sends so many requests, one after the other. `server` sends `bytes` on the idle connection of each that it has served. */
async function askMany(agent: BalancedAgent, count: number, { sockets }: RawServer, bytes: string) {
  for (let n = 0; n < count; n++) {
    const read = sockets.map(({ bytesRead }) => bytesRead);
    await get(agent);
    const socket = sockets.find(({ bytesRead }, index) => bytesRead !== (read[index] ?? 0));
    if (socket === undefined) continue;
    const closed = once(socket, 'close');
    socket.write(bytes);
    await closed;
  }
}

test('a pod that sends each response twice is ejected, for the second one may look like the response to another request', async (t) => {
  const liar = await startRaw(t);
  const agent = startAgent(t, [...(await startPods(t, 2)), liar]);
  await askMany(agent, 60, liar, ANSWER);
  assert.ok(isEjected(agent, liar));
  // The first one only makes evenkeel look.
  assert.equal(liar.sockets.length, 3);
});

test('so is one that sends both at once', async (t) => {
  const liar = await startRaw(t, (socket) => void socket.write(ANSWER + ANSWER));
  const agent = startAgent(t, [...(await startPods(t, 2)), liar]);
  for (let n = 0; n < 60; n++) await get(agent);
  assert.ok(isEjected(agent, liar));
  // The first one only makes evenkeel look.
  assert.equal(liar.sockets.length, 3);
});

test('after the first one, those on connections that were there before count too', async (t) => {
  const asked: Socket[] = [];
  const liar = await startRaw(t, (socket) => void asked.push(socket));
  const agent = startAgent(t, [...(await startPods(t, 2)), liar], { policy: 'round-robin' });
  const requests = Array.from({ length: 9 }, () => get(agent));
  while (asked.length < 3) await settle();
  for (const socket of asked) socket.write(ANSWER);
  await Promise.all(requests);
  for (const socket of asked) {
    const closed = once(socket, 'close');
    socket.write(ANSWER);
    await closed;
  }
  assert.ok(isEjected(agent, liar));
});

for (const [what, bytes] of Object.entries({
  'a 408 to idle connections': LATE,
  'more than the response': 'the rest of a long body',
})) {
  test(`a pod that sends ${what} is not ejected`, async (t) => {
    const pod = await startRaw(t);
    const agent = startAgent(t, [...(await startPods(t, 2)), pod], { policy: 'round-robin' });
    await askMany(agent, 60, pod, bytes);
    assert.ok(!isEjected(agent, pod));
    assert.ok(pod.sockets.length > 5, `${pod.sockets.length}`);
  });
}

test('a pod whose bodies are longer than it says is not ejected', async (t) => {
  const pod = await startRaw(t, (socket) => void socket.write(`${ANSWER} and more`));
  const agent = startAgent(t, [...(await startPods(t, 2)), pod], { policy: 'round-robin' });
  for (let n = 0; n < 60; n++) await get(agent);
  assert.ok(!isEjected(agent, pod));
  assert.ok(pod.sockets.length > 5, `${pod.sockets.length}`);
});

test('if all pods send their responses twice, all are used', async (t) => {
  const servers = await Promise.all(
    [0, 1, 2].map(() => startRaw(t, (socket) => void socket.write(ANSWER + ANSWER))),
  );
  const agent = startAgent(t, servers);
  for (let n = 0; n < 60; n++) await get(agent);
  assert.ok(servers.filter((server) => isEjected(agent, server)).length <= 1);
});

for (const [what, bytes] of Object.entries({
  'two different lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'no HTTP': 'hello\r\n\r\n',
})) {
  test(`a pod that answers with ${what} is ejected`, async (t) => {
    const liar = await startRaw(t, (socket) => void socket.write(bytes));
    const agent = startAgent(t, [...(await startPods(t, 2)), liar], { policy: 'round-robin', retry: false });
    let failed = 0;
    for (let n = 0; n < 60; n++) await get(agent).catch(() => failed++);
    assert.ok(isEjected(agent, liar));
    assert.equal(failed, 5);
  });
}

test('a pod that ends each connection with its response, and never says so, loses no request', async (t) => {
  let received = 0;
  const hasty = await startRaw(t, (socket) => {
    received++;
    socket.end(ANSWER);
  });
  const agent = startAgent(t, [...(await startPods(t, 2)), hasty], { retry: false });
  let left = 300;
  const send = async () => {
    while (left-- > 0) {
      const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'POST', body: 'x' });
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: 30 }, send));
  assert.ok(received >= 10, `${received}`);
});
