// Pods that speak HTTP, but not as they should, beside others that serve.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BalancedHttpAgent } from '../../../src/transports/http/http-agent.ts';
import { ask, closeOf, HOST, startHttpAgent } from '../../support/http-agent.ts';
import { startPods } from '../../support/pods.ts';
import { type RawServer, startRawServer } from '../../support/raw-server.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** A server that answers each request with `ANSWER` or as it is told. */
function startRaw(t: TestContext, onRequest = (socket: Socket) => void socket.write(ANSWER)) {
  return startRawServer(t, (socket) => socket.on('data', () => onRequest(socket)));
}

function isEjected(agent: BalancedHttpAgent, { endpoint }: RawServer): boolean {
  const { endpoints } = agent.stats[`http://${HOST}`]!;
  return (
    endpoints.find(({ address }) => address === `${endpoint.address}:${endpoint.port}`)!.state === 'ejected'
  );
}

/** Sends something on the idle connection of a request that `server` has served. Returns when evenkeel has closed it. */
async function sayUnasked({ sockets }: RawServer, bytes: string): Promise<void> {
  const socket = sockets.at(-1)!;
  const closed = once(socket, 'close');
  socket.write(bytes);
  await closed;
}

/** Sends so many requests, one after the other. Calls `onServed` after each that `server` has served. */
async function askMany(agent: BalancedHttpAgent, count: number, server: RawServer, onServed: () => unknown) {
  for (let n = 0; n < count; n++) {
    const { request } = await ask(agent);
    if (request.socket!.remoteAddress === server.endpoint.address) await onServed();
  }
}

test('a pod that sends each response twice is ejected, for the second one may look like the response to another request', async (t) => {
  const liar = await startRaw(t);
  const agent = startHttpAgent(t, [...(await startPods(t, 2)), liar]);
  await askMany(agent, 60, liar, () => sayUnasked(liar, ANSWER));
  assert.ok(isEjected(agent, liar));
  assert.equal(liar.sockets.length, 2);
});

for (const [what, bytes] of Object.entries({
  'a 408 to idle connections': LATE,
  'more than the response': 'the rest of a long body',
})) {
  test(`a pod that sends ${what} is not ejected`, async (t) => {
    const pod = await startRaw(t);
    const agent = startHttpAgent(t, [...(await startPods(t, 2)), pod], { policy: 'round-robin' });
    await askMany(agent, 60, pod, () => sayUnasked(pod, bytes));
    assert.ok(!isEjected(agent, pod));
    assert.ok(pod.sockets.length > 5, `${pod.sockets.length}`);
  });
}

for (const [what, method, bytes, isBlamed] of [
  ['whose bodies are longer than it says', 'GET', `${ANSWER} and more`, true],
  ['that answers HEAD with a body', 'HEAD', ANSWER, false],
  ['that sends a body with a 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\nok', false],
] as const) {
  test(`a pod ${what}, so that Node fails each request, is ${isBlamed ? '' : 'not '}ejected`, async (t) => {
    const pod = await startRaw(t, (socket) => void socket.write(bytes));
    const agent = startHttpAgent(t, [...(await startPods(t, 2)), pod], { policy: 'round-robin' });
    let failed = 0;
    for (let n = 0; n < 60; n++) {
      const request = http.request({ host: HOST, agent, method }, (response) => response.resume());
      await closeOf(request.on('error', () => failed++).end());
    }
    assert.equal(isEjected(agent, pod), isBlamed);
    assert.ok(isBlamed ? failed === 5 : failed > 5, `${failed}`);
  });
}

test('a pod that seldom sends a response twice is not ejected', async (t) => {
  const pod = await startRaw(t);
  const agent = startHttpAgent(t, [...(await startPods(t, 2)), pod], { policy: 'round-robin' });
  let served = 0;
  await askMany(agent, 320, pod, () => served++ % 50 === 0 && sayUnasked(pod, ANSWER));
  assert.ok(!isEjected(agent, pod));
  assert.ok(pod.sockets.length > 2, `${pod.sockets.length}`);
});

test('if all pods send their responses twice, all are used', async (t) => {
  const servers = [await startRaw(t), await startRaw(t), await startRaw(t)];
  const agent = startHttpAgent(t, servers);
  for (let n = 0; n < 60; n++) {
    const { request } = await ask(agent);
    const address = request.socket!.remoteAddress;
    await sayUnasked(servers.find(({ endpoint }) => endpoint.address === address)!, ANSWER);
  }
  assert.ok(servers.filter((server) => isEjected(agent, server)).length <= 1);
});

for (const how of ['end', 'resetAndDestroy'] as const) {
  test(`a pod that accepts connections only to ${how === 'end' ? 'end' : 'reset'} them costs POSTs no more than those that eject it`, async (t) => {
    const liar = await startRawServer(t, (socket) => void socket[how]());
    const agent = startHttpAgent(t, [...(await startPods(t, 2)), liar]);
    const atOnce = 8;
    let [failures, left] = [0, 400];
    const send = async () => {
      while (left-- > 0) await ask(agent, { method: 'POST' }).catch(() => failures++);
    };
    await Promise.all(Array.from({ length: atOnce }, send));
    // Five in a row eject it. Meanwhile it may have got what the others send.
    assert.ok(failures < 5 + atOnce, `${failures}`);
  });
}

const OVER = new DOMException('too late', 'TimeoutError');
for (const [how, giveUp] of Object.entries({
  'AbortSignal.timeout': undefined,
  'an error with the name TimeoutError, as got and the AWS SDK do': OVER,
})) {
  for (const [what, bytes] of Object.entries({
    nothing: '',
    'only interim responses': 'HTTP/1.1 102 P\r\n\r\n',
  })) {
    test(`a pod that answers with ${what} is ejected by callers that give up with ${how}`, async (t) => {
      const liar = await startRaw(t, (socket) => void socket.write(bytes));
      const agent = startHttpAgent(t, [...(await startPods(t, 2)), liar], {
        policy: 'round-robin',
        retry: false,
      });
      const send = async () => {
        const signal = giveUp === undefined ? AbortSignal.timeout(100) : undefined;
        const request = http.get({ host: HOST, agent, ...(signal && { signal }) }, (response) =>
          response.resume(),
        );
        const timer = giveUp === undefined ? undefined : setTimeout(() => request.destroy(giveUp), 100);
        await closeOf(request.on('error', () => {}));
        clearTimeout(timer);
      };
      // What a caller's time runs out for while this process stands still is held against nobody. So it may take more
      // than the usual five requests.
      for (let n = 0; n < 100; n++) {
        await Promise.all([send(), send(), send()]);
        if (isEjected(agent, liar)) return;
      }
      assert.fail('it is not ejected');
    });
  }
}

test('what a caller ends for a reason of its own is held against nobody', async (t) => {
  const silent = await startRaw(t, () => {});
  const agent = startHttpAgent(t, [...(await startPods(t, 2)), silent]);
  for (let n = 0; n < 60; n++) {
    const request = http.get({ host: HOST, agent }, (response) => response.resume()).on('error', () => {});
    request.once('socket', (socket) => {
      if (socket.remoteAddress === silent.endpoint.address)
        setTimeout(() => request.destroy(new Error('enough')), 5);
    });
    await closeOf(request);
  }
  assert.ok(!isEjected(agent, silent));
});
