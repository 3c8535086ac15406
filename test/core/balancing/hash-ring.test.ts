import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HashRing } from '../../../src/core/balancing/hash-ring.ts';
import { anyone, KEYS, owners, Pod, start, startPods } from './rings.ts';

function counts(pods: readonly (Pod | undefined)[]): Map<Pod, number> {
  const counted = new Map<Pod, number>();
  for (const pod of pods) counted.set(pod!, (counted.get(pod!) ?? 0) + 1);
  return counted;
}

test('an empty ring leads nowhere, and a ring of one to that', () => {
  const ring = new HashRing<Pod>();
  assert.equal(ring.pick(5, anyone), undefined);
  const pod = new Pod(1);
  ring.update([pod], []);
  for (const key of KEYS.slice(0, 100)) assert.equal(ring.pick(key, anyone), pod);
  ring.update([], [pod]);
  assert.equal(ring.pick(5, anyone), undefined);
});

test('one of 100 that is removed moves its own keys only, which are 1.5 % at most', () => {
  const pods = startPods(100);
  const ring = start(pods);
  const before = owners(ring);
  for (const removed of [pods[0]!, pods[37]!, pods[99]!]) {
    ring.update([], [removed]);
    const moved = owners(ring).filter((owner, index) => owner !== before[index]).length;
    assert.equal(moved, before.filter((owner) => owner === removed).length);
    assert.ok(moved <= KEYS.length * 0.015, String(moved));
    ring.update([removed], []);
    assert.deepEqual(owners(ring), before);
  }
});

test('one that is added takes its share of the keys, from all others, and moves no more', () => {
  const pods = startPods(20);
  const ring = start(pods.slice(1));
  const before = owners(ring);
  ring.update([pods[0]!], []);
  const after = owners(ring);
  const moved = after.filter((owner, index) => owner !== before[index]);
  assert.ok(moved.every((owner) => owner === pods[0]));
  assert.ok(Math.abs(moved.length - KEYS.length / 20) < KEYS.length / 80, String(moved.length));
});

test('keys are spread evenly: none has a third more than the mean, or less', () => {
  for (const count of [2, 3, 10, 100]) {
    const shares = counts(owners(start(startPods(count))));
    assert.equal(shares.size, count);
    for (const share of shares.values()) {
      const ratio = (share * count) / KEYS.length;
      assert.ok(ratio > 0.66 && ratio < 1.33, `${ratio} of the mean of ${count}`);
    }
  }
});

test('all clients agree, in whatever order they have come to know the pods', () => {
  const pods = startPods(30);
  const ring = start(pods.slice(0, 10));
  ring.update(pods.slice(20), []);
  ring.update(pods.slice(10, 20), [pods[3]!]);
  const other = start(pods.filter((pod) => pod !== pods[3]).reverse());
  assert.deepEqual(owners(ring), owners(other));
});

test('shares are as weights are, and weights that are all the same change nothing', () => {
  const pods = [0.5, 1, 2, 4].map((weight, index) => new Pod(index, weight));
  for (const [pod, share] of counts(owners(start(pods)))) {
    const due = (KEYS.length * pod.weight) / 7.5;
    assert.ok(Math.abs(share - due) < due * 0.25, `${share} of ${due}`);
  }
  const equal = startPods(10);
  const before = owners(start(equal));
  for (const pod of equal) pod.weight = 4;
  assert.deepEqual(owners(start(equal)), before);
});

test('a pod of next to no weight has next to no keys', () => {
  const drained = Array.from({ length: 20 }, (_, n) => {
    const pods = startPods(10);
    const idle = new Pod(500 + n, 0.01);
    return counts(owners(start([...pods, idle]))).get(idle) ?? 0;
  });
  const mean = drained.reduce((sum, share) => sum + share, 0) / drained.length / KEYS.length;
  assert.ok(mean < 0.0015, String(mean));
  const ring = start([new Pod(1, 1), new Pod(2, 0.01)]);
  for (const key of KEYS) assert.ok(ring.pick(key, ({ weight }) => weight === 0.01) !== undefined);
});

test('a key whose pod isn’t accepted leads to its next one, always the same, and others stay', () => {
  const pods = startPods(10);
  const ring = start(pods);
  const before = owners(ring);
  const without = (key: number) => ring.pick(key, (pod) => pod !== pods[4]);
  const diverted = KEYS.map(without);
  assert.deepEqual(KEYS.map(without), diverted);
  for (const [index, owner] of before.entries()) {
    if (owner !== pods[4]) assert.equal(diverted[index], owner);
  }
  // Not all to one neighbour.
  assert.equal(counts(diverted.filter((_, index) => before[index] === pods[4])).size, 9);
  assert.equal(
    ring.pick(KEYS[0]!, (pod) => pod === pods[7]),
    pods[7],
  );
  assert.equal(
    ring.pick(KEYS[0]!, () => false),
    undefined,
  );
});

test('with bounded loads, no pod of 100 has more than 1.25 times the mean, and most keys stay where they lead', () => {
  const pods = startPods(100);
  const ring = start(pods);
  let away = 0;
  for (const [index, key] of KEYS.entries()) {
    const bound = Math.ceil((1.25 * (index + 1)) / pods.length);
    const pod = ring.pick(key, ({ load }) => load < bound)!;
    if (pod !== ring.pick(key, anyone)) away++;
    pod.load++;
  }
  for (const { load } of pods) assert.ok(load <= (1.25 * KEYS.length) / pods.length, String(load));
  assert.ok(away < KEYS.length * 0.05, String(away));
});

test('with bounded loads, a single key spreads over as many pods as it takes', () => {
  const pods = startPods(10);
  const ring = start(pods);
  for (let n = 0; n < 1_000; n++) {
    const bound = Math.ceil((1.25 * (n + 1)) / pods.length);
    ring.pick(KEYS[0]!, ({ load }) => load < bound)!.load++;
  }
  assert.equal(Math.max(...pods.map(({ load }) => load)), 125);
});
