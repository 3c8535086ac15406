import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, startAgent } from '../../support/agent.ts';
import { startPods } from '../../support/pods.ts';
import { connectionsOf, hint, sayHint, share } from './hints.ts';

for (const value of ['timeout=3', 'timeout=99999999999', 'timeout=x']) {
  test(`a pod that says Keep-Alive: ${value} changes nothing for the others`, (t) => sayHint(t, value));
}

test('where all pods say timeout=2, traffic is even, and a dial is made for each request', async (t) => {
  const pods = await startPods(t, 5);
  for (const pod of pods) hint(pod, 'timeout=2');
  const agent = startAgent(t, pods);
  await load(agent, 300);
  for (const { requests } of pods)
    assert.ok(Math.abs(requests - 60) <= 15, `${pods.map((pod) => pod.requests)}`);
  assert.ok(connectionsOf(pods) <= 330, `${connectionsOf(pods)}`);
});

for (const [name, policy, weight] of [
  ['least-request with weights', 'least-request', 2],
  ['round-robin', 'round-robin', 1],
] as const) {
  test(`under ${name}, a pod that keeps no connection has its share of many at once`, (t) =>
    share(t, policy, weight));
}
