import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { test } from 'node:test';
import { get, load, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { settle, startPod, startPods } from '../../support/pods.ts';

test('what undici refuses to send is no request of its connection', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { maxRequestsPerConnection: 12 });
  await get(agent);
  for (let n = 0; n < 50; n++) {
    // A turn of the event loop, after which undici is given requests at once.
    await settle();
    await assert.rejects(
      agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers: { 'a b': 'c' } }),
    );
    if (n % 25 === 0) await get(agent);
  }
  await get(agent);
  assert.deepEqual(
    pod.connections.map(({ requests }) => requests),
    [4],
  );
});

test('connections opened in one tick retire over a fifth of their cap, and take nothing after it', async (t) => {
  const CAP = 2_000;
  const COUNT = 100;
  const origin = 'http://burst.prod';
  const clock = new FakeClock();
  const ages: number[] = [];
  const onRetire = (message: unknown) => {
    if ((message as { origin: string }).origin === origin) ages.push(clock.now());
  };
  subscribe('evenkeel:connection:retire', onRetire);
  t.after(() => unsubscribe('evenkeel:connection:retire', onRetire));

  const pod = await startPod(t, { keepAliveTimeout: 60_000 });
  const agent = startAgent(t, [pod], { maxConnectionDuration: CAP, clock });
  const burst = Array.from({ length: COUNT }, () => agent.request({ origin, path: '/slow', method: 'GET' }));
  while (pod.requests < COUNT) await once(pod, 'request');
  pod.release('/slow');
  await Promise.all((await Promise.all(burst)).map(({ body }) => body.dump()));
  assert.equal(pod.connections.length, COUNT);

  const carried = () => pod.connections.slice(0, COUNT).reduce((sum, { requests }) => sum + requests, 0);
  for (let step = 0; step < CAP; step += 20) {
    clock.advance(20);
    await get(agent, '/', origin);
  }
  // Idle or not, they all went, each at a time of its own: 100 draws leave next to nothing of the quarter out.
  assert.ok(ages.length >= COUNT);
  const firstAges = ages.slice(0, COUNT);
  assert.ok(Math.max(...firstAges) - Math.min(...firstAges) > CAP * 0.2, `${firstAges}`);
  assert.ok(Math.max(...firstAges) <= CAP);
  while (pod.connections.slice(0, COUNT).some(({ closed }) => closed === undefined)) await once(pod, 'close');
  const before = carried();
  for (let n = 0; n < 20; n++) await get(agent, '/', origin);
  assert.equal(carried(), before);
});

test('a connection past its cap finishes its request, then closes', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], {
    maxConnectionDuration: '60s',
    connectionDurationJitter: 0,
    clock,
  });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  // Not so far that the dial of its successor would have timed out.
  clock.advance(60_500);
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
  const agent = startAgent(t, [pod]);
  await get(agent, '/', 'http://told.prod');
  await agent.close();
  assert.deepEqual(said, ['open', 'retire service-closed', 'close service-closed']);
});
