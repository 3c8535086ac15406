import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { settle, startPods } from '../../support/pods.ts';
import { forget, shares, weighing } from './weighing.ts';

for (const policy of ['least-request', 'round-robin'] as const) {
  test(`${policy}: pods get requests as the resolver weighs them`, async (t) => {
    const pods = await startPods(t, 3);
    const agent = startAgent(t, weighing(pods, [1, 2, 5]), { policy });
    await load(agent, 200);
    forget(pods);
    await load(agent, 800);
    for (const [index, due] of [100, 200, 500].entries()) {
      assert.ok(Math.abs(pods[index]!.requests - due) <= 10, String(shares(pods)));
    }
  });

  test(`${policy}: weights that change under load count from then on, and pods keep their connections`, async (t) => {
    // No connection ends because this process is slow.
    const pods = await startPods(t, 3, { keepAliveTimeout: 60_000 });
    const resolver = new ManualResolver(pods);
    const agent = startAgent(t, [], { discovery: resolver.resolve, policy });
    await load(agent, 300);
    assert.ok(Math.max(...shares(pods)) <= 105, String(shares(pods)));
    const opened = agent.stats[ORIGIN]!.endpoints.map((endpoint) => endpoint.opened);
    resolver.set(weighing(pods, [0, 1, 3]));
    await settle();
    forget(pods);
    await load(agent, 400);
    assert.ok(pods[0]!.requests <= 3, String(shares(pods)));
    assert.ok(Math.abs(pods[1]!.requests - 100) <= 6, String(shares(pods)));
    assert.deepEqual(
      agent.stats[ORIGIN]!.endpoints.map((endpoint) => endpoint.opened),
      opened,
    );
  });
}

test('a weight that is no weight is the resolver’s mistake', async (t) => {
  const pods = await startPods(t, 1);
  for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const agent = startAgent(t, weighing(pods, [weight]));
    await assert.rejects(get(agent), { code: 'EVENKEEL_RESOLVER' });
  }
});

test('a pod that joins others starts slowly, and comes to its share', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const resolver = new ManualResolver(pods.slice(0, 2));
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    clock,
    slowStart: { window: '20s' },
    policy: 'round-robin',
  });
  await load(agent, 100);
  // Boot: all were new, and none was slower than the others.
  assert.ok(Math.abs(pods[0]!.requests - 50) <= 2, String(shares(pods)));
  resolver.set(pods);
  while ((agent.stats[ORIGIN]!.endpoints[2]?.connections ?? 0) === 0) await settle();
  const joined: number[] = [];
  for (let second = 0; second < 24; second += 4) {
    forget(pods);
    await load(agent, 200);
    joined.push(pods[2]!.requests);
    clock.advance('4s');
  }
  // Weights of 0.1, then 0.2 to 0.8, then 1, beside two others of 1.
  const due = [0.1, 0.2, 0.4, 0.6, 0.8, 1].map((weight) => (200 * weight) / (2 + weight));
  for (const [index, requests] of joined.entries()) {
    assert.ok(Math.abs(requests - due[index]!) <= 6, `${joined} of ${due.map(Math.round)}`);
  }
});

test('where all pods are replaced at once, none starts slowly', async (t) => {
  const pods = await startPods(t, 4);
  const resolver = new ManualResolver(pods.slice(0, 2));
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    clock: new FakeClock(),
    slowStart: { window: '20s' },
  });
  await load(agent, 20);
  resolver.set(pods.slice(2));
  await settle();
  forget(pods);
  await load(agent, 100);
  assert.deepEqual(shares(pods.slice(0, 2)), [0, 0]);
  assert.ok(Math.abs(pods[2]!.requests - 50) <= 4, String(shares(pods)));
});
