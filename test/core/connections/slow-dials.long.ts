import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createSecureServer, type Server } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { certificateFor } from '../../support/certificate.ts';
import { FakeClock } from '../../support/clock.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';
import { nextAddress, settle, startPod } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

const SECURE_ORIGIN = 'https://orders.prod';
const certificate = certificateFor('DNS:orders.prod');
const connect = { ca: certificate.cert, servername: 'orders.prod' };
/** Longer than other pods are given, and less than undici gives any. */
const SLOW = 4_000;

/** A pod that takes connections at once, and begins to answer on them after so many milliseconds. */
async function startSlowSecurePod(t: TestContext, delay: number) {
  const address = nextAddress();
  const secure: Server = createSecureServer(certificate, (_request, response) => response.end(address));
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    timers.add(setTimeout(() => secure.emit('connection', socket), delay));
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  });
  const endpoint: EndpointAddress = { address, port: (server.address() as AddressInfo).port };
  return { address, endpoint, sockets };
}

function startStock(t: TestContext, options: Agent.Options = {}): Agent {
  const stock = new Agent(options);
  t.after(() => stock.destroy());
  return stock;
}

/** The body of the answer, or the code of the error, after how many milliseconds it came, and how long this process ran of them. */
async function outcome(dispatcher: Dispatcher, origin: string, method: Dispatcher.HttpMethod = 'GET') {
  const begun = performance.now();
  const watch = startStopwatch();
  const result = await dispatcher
    .request({ origin, path: '/', method })
    .then(({ body }) => body.text())
    .catch((error: NodeJS.ErrnoException) => error.code);
  return { result, after: performance.now() - begun, took: watch() };
}

/** An address to which dials are never answered: the queue of its listener is full, and stays so. */
async function startCrowdedPod(t: TestContext) {
  const pod = await startFrozenPod(t);
  await pod.crowd();
  return pod;
}

describe('dials that take longer than three seconds', { concurrency: true }, () => {
  for (const method of ['GET', 'POST'] as const) {
    test(`a ${method} is served by the only pod, whose accept queue was full, as with undici`, async (t) => {
      const pod = await startCrowdedPod(t);
      const stock = startStock(t);
      const agent = startAgent(t, [pod]);
      const both = Promise.all([
        outcome(stock, `http://${pod.address}:${pod.endpoint.port}`, method),
        outcome(agent, ORIGIN, method),
      ]);
      setTimeout(() => pod.restore(), SLOW);
      const [theirs, ours] = await both;
      assert.equal(theirs.result, pod.address);
      assert.equal(ours.result, pod.address);
      assert.ok(ours.took < theirs.took + 1_000, `${ours.took} ms, with undici ${theirs.took} ms`);
    });
  }

  test('a request that comes while a dial is overdue is served as well', async (t) => {
    const pod = await startCrowdedPod(t);
    const agent = startAgent(t, [pod]);
    const first = get(agent);
    await new Promise((resolve) => setTimeout(resolve, SLOW));
    const second = get(agent);
    pod.restore();
    assert.deepEqual(await Promise.all([first, second]), [pod.address, pod.address]);
  });

  test('a request is served by the only pod, whose TLS handshake is slow, as with undici', async (t) => {
    const pod = await startSlowSecurePod(t, SLOW);
    const { address, port } = pod.endpoint;
    const stock = startStock(t, { connect });
    const agent = startAgent(t, [pod], { connect });
    const [theirs, ours] = await Promise.all([
      outcome(stock, `https://${address}:${port}`),
      outcome(agent, SECURE_ORIGIN),
    ]);
    assert.equal(theirs.result, address);
    assert.equal(ours.result, address);
    assert.ok(ours.took < theirs.took + 1_000, `${ours.took} ms, with undici ${theirs.took} ms`);
  });

  test('where all pods are slow, all requests of a burst are served', async (t) => {
    const pods = await Promise.all([1, 2, 3].map(() => startSlowSecurePod(t, SLOW)));
    const agent = startAgent(t, pods, { connect });
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => outcome(agent, SECURE_ORIGIN)));
    for (const { result, took } of outcomes) {
      assert.ok(
        pods.some(({ address }) => address === result),
        String(result),
      );
      assert.ok(took < SLOW + 2_000, `${took} ms`);
    }
  });

  test('one of three that is slow delays nobody, is passed over, and serves once it is connected', async (t) => {
    const pods = await Promise.all([SLOW, 0, 0].map((delay) => startSlowSecurePod(t, delay)));
    const [slow] = pods;
    const agent = startAgent(t, pods, { connect });
    const slowStats = () =>
      agent.stats[SECURE_ORIGIN]!.endpoints.find(({ address }) => address.startsWith(`${slow!.address}:`))!;
    let slowest = 0;
    const begun = performance.now();
    let wasPassedOver = false;
    while (performance.now() - begun < SLOW + 6_000) {
      const { result, took } = await outcome(agent, SECURE_ORIGIN);
      slowest = Math.max(slowest, took);
      if (result === slow!.address) break;
      wasPassedOver ||= performance.now() - begun > 3_500 && slowStats().state === 'connecting';
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(slowest < SLOW / 2, `a request took ${slowest} ms`);
    assert.ok(wasPassedOver);
    assert.ok(slowStats().requests > 0, 'it serves');
  });

  test('where nobody answers, a request fails with undici’s error, and no later', async (t) => {
    const pods = await Promise.all([1, 2, 3].map(() => startCrowdedPod(t)));
    const stock = startStock(t);
    const agent = startAgent(t, pods);
    const lone = startAgent(t, pods.slice(0, 1));
    const limited = startAgent(t, pods.slice(0, 1), { connections: 1 });
    const [theirs, ...ours] = await Promise.all([
      outcome(stock, `http://${pods[0]!.address}:${pods[0]!.endpoint.port}`),
      outcome(agent, ORIGIN),
      outcome(lone, ORIGIN),
      outcome(limited, ORIGIN),
    ]);
    assert.equal(theirs.result, 'UND_ERR_CONNECT_TIMEOUT');
    for (const { result, after, took } of ours) {
      assert.equal(result, 'UND_ERR_CONNECT_TIMEOUT');
      assert.ok(after > 9_500, `${after} ms`);
      assert.ok(took < theirs.took + 500, `${took} ms, with undici ${theirs.took} ms`);
    }
  });
});

test('a connectTimeout that is set is the time after which a dial is given up', async (t) => {
  const pod = await startCrowdedPod(t);
  const agent = startAgent(t, [pod], { connectTimeout: 200 });
  const { result, took } = await outcome(agent, ORIGIN);
  assert.equal(result, 'UND_ERR_CONNECT_TIMEOUT');
  assert.ok(took < 2_000, `${took} ms`);
});

test('requests that wait for dials that are overdue have no more of them made than one each, and a few', async (t) => {
  const clock = new FakeClock();
  let dials = 0;
  const agent = startAgent(t, [{ endpoint: { address: nextAddress(), port: 9 } }], {
    clock,
    connect: () => {
      dials++;
    },
  });
  const failed = Array.from({ length: 50 }, () =>
    assert.rejects(get(agent), { code: 'UND_ERR_CONNECT_TIMEOUT' }),
  );
  while (dials < 50) await settle();
  for (let seconds = 0; seconds < 11; seconds++) {
    clock.advance('1s');
    await settle();
  }
  await Promise.all(failed);
  assert.ok(dials <= 60, `${dials} dials`);
});

test('requests go to pods that are not overdue, with one connection for each pod too', async (t) => {
  const pod = await startPod(t);
  const crowded = await startCrowdedPod(t);
  const agent = startAgent(t, [crowded, pod], { connections: 1 });
  const begun = performance.now();
  while (performance.now() - begun < 3_500) await load(agent, 10, 3);
  const { inFlight, requests } = agent.stats[ORIGIN]!.endpoints.find(({ address }) =>
    address.startsWith(`${crowded.address}:`),
  )!;
  assert.deepEqual([inFlight, requests], [0, 0]);
});

test('where there is nobody to dial, a request still waits no longer than five seconds', async (t) => {
  const clock = new FakeClock();
  const resolver = new ManualResolver();
  resolver.say({ endpoints: [], source: 'test' });
  const agent = startAgent(t, [], { discovery: resolver.resolve, clock });
  const failed = assert.rejects(get(agent), {
    code: 'EVENKEEL_NO_ENDPOINTS',
    message: 'no endpoint for http://orders.prod after 5000 ms (0 known)',
  });
  await settle();
  for (let quarters = 0; quarters <= 20; quarters++) {
    clock.advance('250ms');
    await settle();
  }
  await failed;
});

test('a process that goes on after it was stopped has a moment for what waits for news of endpoints', async (t) => {
  const clock = new FakeClock();
  const resolver = new ManualResolver();
  resolver.say({ endpoints: [], source: 'test' });
  const agent = startAgent(t, [], { discovery: resolver.resolve, clock });
  const waiting = get(agent);
  await settle();
  clock.jump('1m');
  clock.advance('900ms');
  const pod = await startPod(t);
  resolver.set([pod]);
  assert.equal(await waiting, pod.address);
});
