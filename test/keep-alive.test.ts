import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { get, load, startAgent } from './support/agent.ts';
import { FakeClock } from './support/clock.ts';
import { type Pod, settle, startPods } from './support/pods.ts';

const connectionsOf = (pods: readonly Pod[]) => pods.reduce((sum, pod) => sum + pod.connections.length, 0);

function hint(pod: Pod, value: string): void {
  pod.respond = (_request, response) =>
    void response.setHeader('connection', 'keep-alive').setHeader('keep-alive', value).end(pod.address);
}

for (const value of [
  'timeout=0',
  'timeout=1',
  'timeout=2',
  'timeout=3',
  'timeout=99999999999',
  'timeout=x',
]) {
  test(`a pod that says Keep-Alive: ${value} changes nothing for the others`, async (t) => {
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
  });
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

test('a trickle to pods that keep no connection dials for its requests only', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 5);
  for (const pod of pods) hint(pod, 'timeout=1');
  const agent = startAgent(t, pods, { clock });
  for (let n = 0; n < 50; n++) {
    await get(agent);
    await settle();
    clock.advance('10s');
  }
  assert.ok(connectionsOf(pods) <= 60, `${connectionsOf(pods)}`);
});

for (const policy of ['least-request', 'round-robin'] as const) {
  test(`under ${policy}, a pod that keeps no connection has its share of many at once`, async (t) => {
    const pods = await startPods(t, 5);
    for (const pod of pods) {
      pod.respond = (_request, response) => {
        const value = pod === pods[0] ? 'timeout=1' : 'timeout=5';
        response.setHeader('connection', 'keep-alive').setHeader('keep-alive', value);
        setTimeout(() => response.end(pod.address), 2);
      };
    }
    const agent = startAgent(t, pods, { policy });
    await load(agent, 1_000, 10);
    const [{ requests, connections }] = pods as [Pod];
    // A fifth, less what noise takes: without a successor made in time it has a sixth, or a tenth.
    assert.ok(requests >= 180, `${pods.map((pod) => pod.requests)}`);
    assert.ok(connections.length <= requests * 1.2, `${connections.length} for ${requests}`);
  });
}

for (const value of ['timeout=1', 'timeout=5']) {
  test(`a pod that says ${value}, and closes connections that are unused for a millisecond, is not dialled for nothing`, async (t) => {
    const pods = await startPods(t, 5);
    for (const pod of pods) hint(pod, 'timeout=5');
    const [impatient] = pods as [Pod];
    hint(impatient, value);
    impatient.server.on('connection', (socket) => {
      const timer = setTimeout(() => socket.destroy(), 1);
      socket.once('data', () => clearTimeout(timer));
    });
    const agent = startAgent(t, pods);
    for (let n = 0; n < 100; n++) {
      await get(agent);
      await delay(3);
    }
    const { requests, connections } = impatient;
    assert.ok(connections.length <= requests * 1.2 + 10, `${connections.length} for ${requests}`);
  });
}
