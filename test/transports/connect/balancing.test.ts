import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf, openOf, slowPodGetsFewer } from '../../support/answers.ts';
import { FakeClock } from '../../support/clock.ts';
import { startBalanced } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';
import { testKinds } from './kinds.ts';

testKinds('gRPC');
testKinds('Connect');

test('a pod that is slow gets fewer calls', async (t) => {
  const [slow, ...quick] = await startConnectPods(t, 3);
  const { client } = startBalanced(t, [slow!, ...quick]);
  await slowPodGetsFewer(client, slow!, quick);
});

test('the first burst is shared out among all pods, over few connections', async (t) => {
  const pods = await startConnectPods(t, 3);
  // The moment for which it waits for all of them does not end by itself.
  const { client } = startBalanced(t, pods, { clock: new FakeClock() });
  await client.calls(60, 60);
  assert.ok(Math.max(...callsOf(pods)) <= 24, callsOf(pods).join());
  assert.deepEqual(
    pods.map(({ sessions }) => sessions.length),
    [1, 1, 1],
  );
});

test('two session managers of one target share its connections, and one count', async (t) => {
  const pods = await startConnectPods(t, 3);
  for (const pod of pods) pod.hold();
  const { client, another, stats } = startBalanced(t, pods, { clock: new FakeClock() });
  const { client: other } = another({}, 'Connect');
  const calls = [...Array(3).fill(client), ...Array(3).fill(other)].map((each) => each.call());
  while (openOf(pods) < 6) await sleep(1);
  assert.deepEqual(
    pods.map(({ open }) => open),
    [2, 2, 2],
  );
  assert.deepEqual(
    stats().endpoints.map(({ inFlight }) => inFlight),
    [2, 2, 2],
  );
  for (const pod of pods) pod.release();
  await Promise.all(calls);
  assert.deepEqual(
    pods.map(({ sessions }) => sessions.length),
    [1, 1, 1],
  );
});
