import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBed } from './bed/bed.ts';
import { ballsInBins, jain } from './bed/evenness.ts';

test('each new connection goes to a pod drawn at random', async (t) => {
  const bed = await startBed(t, { pods: 3, work: 0 });
  // Without keep-alive: a connection for each request.
  const client = await bed.startClient('undici', { pipelining: 0 });
  const { waited, failures } = await client.flatOut(900, 4);
  assert.deepEqual(failures, {});
  assert.equal(waited, 900);
  // 300 on average, with a deviation of 14: five of those come once in a million.
  for (const { connections } of await bed.counts()) assert.ok(Math.abs(connections - 300) < 75);
});

test('a scaled Service keeps connections where they are, and draws new ones among its pods', async (t) => {
  const bed = await startBed(t, { pods: 2, ready: 1, work: 0 });
  const client = await bed.startClient('undici', { connections: 1 });
  await client.flatOut(10, 1);
  await bed.scale(2);
  const { waited } = await client.flatOut(10, 1);
  assert.equal(waited, 0);
  const another = await bed.startClient('undici', { pipelining: 0 });
  await another.flatOut(40, 1);
  const [old, added] = await bed.counts();
  assert.equal(old!.mostOnOne, 20);
  assert.ok(added!.connections > 0);
});

test('packets to and from a dropped pod are lost, until it is restored', async (t) => {
  const bed = await startBed(t, { pods: 1, work: 0 });
  const client = await bed.startClient('undici', { headersTimeout: 300 });
  const [pod] = bed.addresses;
  await client.flatOut(1, 1);
  bed.kubeProxy.drop(pod!);
  const dropped = await client.flatOut(1, 1);
  bed.kubeProxy.restore(pod!);
  const restored = await client.flatOut(1, 1);
  assert.deepEqual(dropped.failures, { 'HeadersTimeoutError: Headers Timeout Error': 1 });
  assert.deepEqual(restored.failures, {});
});

test('fairness is what theory says', () => {
  assert.equal(jain([5, 5, 5]), 1);
  assert.equal(jain([1, 0, 0, 0]), 0.25);
  // Two in two: half the time together, which is 1/2, else apart, which is 1.
  assert.ok(Math.abs(ballsInBins(2, 2) - 0.75) < 0.03);
});
