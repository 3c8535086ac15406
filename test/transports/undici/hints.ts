// Pods that say for how long they keep a connection which has nothing to do.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { load, startAgent } from '../../support/agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';

export const connectionsOf = (pods: readonly Pod[]) =>
  pods.reduce((sum, pod) => sum + pod.connections.length, 0);

export function hint(pod: Pod, value: string): void {
  pod.respond = (_request, response) =>
    void response.setHeader('connection', 'keep-alive').setHeader('keep-alive', value).end(pod.address);
}

/** One of five pods says this, and the others have as much to do as before. */
export async function sayHint(t: TestContext, value: string): Promise<void> {
  const pods = await startPods(t, 5);
  hint(pods[0]!, value);
  const agent = startAgent(t, pods);
  await load(agent, 40);
  const before = connectionsOf(pods.slice(1));
  await load(agent, 400);
  // Of the four others each has its share, and needs no more connections.
  const others = pods.slice(1).map(({ requests }) => requests);
  assert.ok(Math.max(...others) - Math.min(...others) <= 12, `${others}`);
  assert.ok(connectionsOf(pods.slice(1)) <= before, `${connectionsOf(pods.slice(1))}`);
  // That one is dialled for what it serves, and serves about as much.
  const [{ requests, connections }] = pods as [Pod];
  assert.ok(requests >= 44 && requests <= 110, `${requests}`);
  assert.ok(connections.length <= requests * 1.2 + 2, `${connections.length} for ${requests}`);
}

/** Of five pods one keeps no connection, and the last has this weight: that one has its share of ten requests at once. */
export async function share(
  t: TestContext,
  policy: 'least-request' | 'round-robin',
  weight: number,
): Promise<void> {
  const pods = await startPods(t, 5);
  for (const pod of pods) {
    pod.respond = (_request, response) => {
      const value = pod === pods[0] ? 'timeout=1' : 'timeout=5';
      response.setHeader('connection', 'keep-alive').setHeader('keep-alive', value);
      setTimeout(() => response.end(pod.address), 2);
    };
  }
  const endpoints = pods.map(({ endpoint }, n) => ({
    endpoint: { ...endpoint, weight: n === 4 ? weight : 1 },
  }));
  const agent = startAgent(t, endpoints, { policy });
  await load(agent, 1_000, 10);
  const [{ requests, connections }] = pods as [Pod];
  // Its share, less what noise takes: without a successor made in time it has two thirds of that, or half.
  assert.ok(requests >= 900 / (4 + weight), `${pods.map((pod) => pod.requests)}`);
  assert.ok(connections.length <= requests * 1.2, `${connections.length} for ${requests}`);
}
