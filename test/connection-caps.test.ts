import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { get, load, ORIGIN, startAgent } from './support/agent.ts';
import { FakeClock } from './support/clock.ts';
import { startPod, startPods } from './support/pods.ts';

test('connections opened in one tick close spread over a fifth of their cap and take nothing after it', async (t) => {
  const CAP = 2_000;
  const pod = await startPod(t, { keepAliveTimeout: 60_000 });
  const agent = startAgent(t, [pod], { maxConnectionDuration: CAP });
  const burst = Array.from({ length: 100 }, () =>
    agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' }),
  );
  while (pod.requests < 100) await new Promise((resolve) => pod.once('request', resolve));
  pod.release('/slow');
  await Promise.all((await Promise.all(burst)).map(({ body }) => body.dump()));
  assert.equal(pod.connections.length, 100);

  // One request at a time: most connections idle until they close.
  while (pod.connections.slice(0, 100).some(({ closed }) => closed === undefined)) await get(agent);

  const first100 = pod.connections.slice(0, 100);
  const ages = first100.map(({ opened, closed }) => closed! - opened);
  const youngest = Math.min(...ages);
  const oldest = Math.max(...ages);
  // The draw is uniform over a quarter of the cap; 100 draws leave next to nothing of it out.
  assert.ok(oldest - youngest > CAP * 0.2, `${youngest} to ${oldest}`);
  // A moment later than its cap a close may be seen, but never a request.
  for (const { opened, lastRequest } of pod.connections) assert.ok(lastRequest - opened < CAP + 20);
});

test('a connection past its cap finishes its request, then closes', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], { maxConnectionDuration: '60s', clock });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  clock.advance('61s');
  await get(agent);
  assert.equal(pod.connections.length, 2, 'the next request goes to a new connection');
  pod.release('/slow');
  const { statusCode, body } = await slow;
  assert.equal(statusCode, 200);
  await body.dump();
  while (pod.sockets.size > 1) await new Promise((resolve) => pod.once('close', resolve));
});

test('an idle connection closes at its cap, with no request to make it', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], { maxConnectionDuration: '10s', clock });
  await get(agent);
  clock.advance('10s');
  await pod.allClosed();
});

test('a connection whose timer is late takes no request after its cap', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  // A clock whose timers of connections never fire, as if the event loop had been blocked.
  const late = { now: () => clock.now(), schedule: () => ({ cancel() {} }) };
  const agent = startAgent(t, [pod], {
    maxConnectionDuration: '1s',
    connectionDurationJitter: 0,
    clock: late,
  });
  await get(agent);
  clock.advance('1s');
  await get(agent);
  assert.deepEqual(
    pod.connections.map(({ requests }) => requests),
    [1, 1],
  );
});

test('caps of 0 let a connection live on', async (t) => {
  const pod = await startPod(t, { keepAliveTimeout: 60_000 });
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], {
    maxConnectionDuration: 0,
    maxRequestsPerConnection: 0,
    originIdleTimeout: '48h',
    clock,
  });
  await get(agent);
  clock.advance('24h');
  await load(agent, 50);
  assert.equal(pod.connections.length, 1);
});

test('no connection carries more requests than its cap, with 10 at once', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { maxRequestsPerConnection: 10 });
  await load(agent, 1_000, 10);
  const counts = pods.flatMap((pod) => pod.connections.map(({ requests }) => requests));
  assert.equal(Math.max(...counts), 10);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    1_000,
  );
});

test('a retired connection that does not drain is destroyed after drainTimeout', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], { maxConnectionDuration: '10s', drainTimeout: '5s', clock });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  clock.advance('16s');
  await assert.rejects(slow, { code: 'EVENKEEL_DRAIN_TIMEOUT' });
  // The server keeps a half-closed socket until it has answered.
  pod.release('/slow');
  await agent.close();
  await pod.allClosed();
});

test('channels say when a connection opens, retires and closes, and why', async (t) => {
  const said: string[] = [];
  const events = ['open', 'retire', 'close'] as const;
  for (const event of events) {
    const listener = (message: unknown) => {
      const { origin, reason } = message as { origin: string; reason?: string };
      if (origin === 'http://told.prod') said.push(reason === undefined ? event : `${event} ${reason}`);
    };
    subscribe(`evenkeel:connection:${event}`, listener);
    t.after(() => unsubscribe(`evenkeel:connection:${event}`, listener));
  }
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { maxRequestsPerConnection: 1 });
  await get(agent, '/', 'http://told.prod');
  await pod.allClosed();
  assert.deepEqual(said, ['open', 'retire max-requests', 'close max-requests']);
});
