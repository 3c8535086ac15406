import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientsOf, moved, pods, SIZE, subsets } from '../../support/subsets.ts';
import { testLosses } from './losses.ts';

for (const [clients, count] of [
  [1_000, 1_000],
  [987, 1_013],
  [500, 1_000],
] as const) {
  test(`${clients} clients that know their index share ${count} pods evenly`, () => {
    const among = pods(count);
    const all = subsets('even', among, clients);
    for (const subset of all) assert.equal(subset.size, SIZE);
    const mean = (clients * SIZE) / count;
    for (const n of clientsOf(among, all)) assert.ok(Math.abs(n - mean) <= 2, `${n}, ${mean} on average`);
  });
}

test('clients that know nothing of each other leave no pod with twice as many clients as the mean', () => {
  const among = pods(1_000);
  const all = subsets('rendezvous', among);
  // A binomial distribution with mean 20 and deviation 4.4: the greatest of a thousand is near 20 + 3.4 × 4.4.
  assert.ok(Math.max(...clientsOf(among, all)) <= 2 * SIZE);
  for (const subset of all) assert.equal(subset.size, SIZE);
});

for (const [policy, most] of [
  ['even', 0.03],
  ['rendezvous', 0.003],
] as const) {
  test(`${policy}: a pod that comes or goes moves few connections`, () => {
    const among = pods(1_000);
    const before = subsets(policy, among);
    for (const fresh of ['10.9.0.1:8080', '10.9.0.2:8080', '10.9.0.3:8080']) {
      const after = subsets(policy, [...among, fresh]);
      assert.ok(moved(before, after) <= most, `${moved(before, after)} come`);
      assert.ok(moved(after, before) <= most, `${moved(after, before)} go`);
    }
  });

  test(`${policy}: clients that share a pod have few others in common`, () => {
    const among = pods(1_000);
    const sharers = subsets(policy, among).filter((subset) => subset.has(among[5]!));
    const union = new Set(sharers.flatMap((subset) => [...subset]));
    assert.ok(union.size > 8 * SIZE, `${union.size} pods`);
  });
}

testLosses(undefined);
