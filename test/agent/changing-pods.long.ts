import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { settle, startPods } from '../support/pods.ts';

test('addresses that are added under load get their share, and no request fails', async (t) => {
  const pods = await startPods(t, 6);
  const resolver = new ManualResolver(pods.slice(0, 3));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await load(agent, 1_000, 20);
  const running = load(agent, 6_000, 20);
  resolver.set(pods);
  await running;
  const added = pods.slice(3).map(({ requests }) => requests);
  // 1,000 each, less what was sent while they were being connected.
  for (const requests of added) assert.ok(requests > 900 && requests < 1_100, String(added));
});

test('addresses that are removed under load get no new request, and slow ones end in peace', async (t) => {
  const pods = await startPods(t, 6);
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await load(agent, 600, 20);
  const slow = Array.from({ length: 12 }, () =>
    agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' }),
  );
  const removed = pods.slice(3);
  await Promise.all(pods.map((pod) => pod.received('/slow')));
  const running = load(agent, 2_000, 20);
  resolver.set(pods.slice(0, 3));
  await agentKnows(agent, 3);
  const before = removed.map(({ requests }) => requests);
  await running;
  assert.deepEqual(
    removed.map(({ requests }) => requests),
    before,
  );
  for (const pod of pods) pod.release('/slow');
  for (const response of await Promise.all(slow)) {
    assert.equal(response.statusCode, 200);
    await response.body.dump();
  }
  await Promise.all(removed.map((pod) => pod.allClosed()));
});

/** Waits until the agent has taken a set of that size, and what it had sent before has arrived. */
async function agentKnows(agent: BalancedAgent, size: number): Promise<void> {
  while (agent.stats[ORIGIN]!.endpoints.length !== size) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await settle();
}
