import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextTurn } from '../../../src/core/base/clock.ts';
import { callsOf, slowPodGetsFewer } from '../../support/answers.ts';
import { FakeClock } from '../../support/clock.ts';
import { jain, startBalanced } from '../../support/grpc-client.ts';
import { startGrpcPods, TRUSTS_SILENCE } from '../../support/grpc-pod.ts';
import { startRawServer } from '../../support/raw-server.ts';

test('calls go to all pods alike, one at a time and 50 at a time', async (t) => {
  const pods = await startGrpcPods(t, 3);
  const { client } = startBalanced(t, pods);
  await client.calls(150);
  assert.ok(jain(callsOf(pods)) >= 0.99, callsOf(pods).join());
  await client.calls(600, 50);
  assert.ok(jain(callsOf(pods)) >= 0.99, callsOf(pods).join());
});

test('a cold burst waits a moment for further pods, and not only for the one that connects first', async (t) => {
  const pods = await startGrpcPods(t, 3);
  // The moment does not end by itself.
  const { client } = startBalanced(t, pods, { clock: new FakeClock() });
  await client.calls(60, 60);
  assert.deepEqual(callsOf(pods), [20, 20, 20]);
});

test('a cold burst waits for a pod that does not answer twice as long as for the first one, and no longer', {
  skip: TRUSTS_SILENCE,
}, async (t) => {
  const pods = await startGrpcPods(t, 2);
  const silent = await startRawServer(t);
  const clock = new FakeClock();
  const { client, stats, resolver } = startBalanced(t, [], { clock });
  const burst = client.calls(60, 60);
  while (resolver.followers === 0) await sleep(1);
  // How long it takes to find them does not count.
  clock.advance(1_000);
  resolver.set([...pods, silent]);
  // They are dialled by then, and nothing can have come from them in this turn.
  while (stats().endpoints.length !== 3) await new Promise<void>((resolve) => process.nextTick(resolve));
  clock.advance(5);
  while (stats()?.connected !== 2) await sleep(1);
  clock.advance(9);
  await nextTurn();
  assert.deepEqual(callsOf(pods), [0, 0]);
  clock.advance(1);
  await burst;
  assert.deepEqual(callsOf(pods), [30, 30]);
});

test('new pods have their share as soon as they are known', async (t) => {
  const pods = await startGrpcPods(t, 6);
  const { client, resolver, stats } = startBalanced(t, pods.slice(0, 3));
  await client.calls(30);
  resolver.set(pods);
  while (stats().connected < 6) await client.calls(10, 5);
  const before = callsOf(pods);
  await client.calls(120, 5);
  const gained = callsOf(pods).map((calls, n) => calls - before[n]!);
  assert.ok(
    gained.every((calls) => calls >= 18),
    gained.join(),
  );
});

test('a slow pod gets fewer calls', async (t) => {
  const [slow, ...quick] = await startGrpcPods(t, 3);
  const { client } = startBalanced(t, [slow!, ...quick]);
  await slowPodGetsFewer(client, slow!, quick);
});

test('two channels to a target share its connections and counts', async (t) => {
  const pods = await startGrpcPods(t, 3);
  const { client, another, stats } = startBalanced(t, pods, { clock: new FakeClock() });
  const other = another();
  await Promise.all([client.calls(30, 3), other.calls(30, 3)]);
  assert.deepEqual(
    pods.map(({ peers }) => peers.size),
    [1, 1, 1],
  );
  const rows = stats().endpoints;
  assert.deepEqual(
    rows.map(({ connections, opened }) => [connections, opened]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
  assert.equal(
    rows.reduce((sum, { requests }) => sum + requests, 0),
    60,
  );
  assert.ok(jain(callsOf(pods)) >= 0.99, callsOf(pods).join());
});
