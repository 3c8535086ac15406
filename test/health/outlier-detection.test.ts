import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutlierSettings } from '../../src/config/settings.ts';
import type { HealthRecord } from '../../src/health/health-record.ts';
import { OutlierDetection, type Suspect } from '../../src/health/outlier-detection.ts';
import { FakeClock } from '../support/clock.ts';

class Pod implements Suspect {
  readonly address: string;
  inFlight = 0;
  isUnreachable = false;
  health: HealthRecord | undefined = undefined;

  constructor(address: string) {
    this.address = address;
  }
}

const DEFAULTS: OutlierSettings = {
  consecutiveFailures: 5,
  baseEjectionTime: 30_000,
  maxEjectionTime: 300_000,
  maxEjectionPercent: 30,
  panicThreshold: 50,
  failures: ['502', '503', '504', 'reset', 'connect', 'timeout'],
};

/** Some pods under outlier detection, without chance unless asked for. */
function watch(count: number, settings: Partial<OutlierSettings> = {}, random = () => 0) {
  const clock = new FakeClock();
  const pods = Array.from({ length: count }, (_, index) => new Pod(`pod-${index}`));
  const owner = { origin: 'http://orders.prod', population: count, onHealthChanged() {}, onWeighed() {} };
  const outliers = new OutlierDetection<Pod>(owner, { ...DEFAULTS, ...settings }, clock, random);
  const fail = (pod: Pod, times = 1) => {
    for (let n = 0; n < times; n++) outliers.failed(pod, '503');
  };
  const serving = () => pods.filter((pod) => outliers.allows(pod)).length;
  /** How long a pod stays ejected from now on. */
  const ejectedFor = (pod: Pod) => {
    let milliseconds = 0;
    for (; pod.health?.ejection !== undefined; milliseconds += 1_000) clock.advance(1_000);
    return milliseconds;
  };
  return { clock, pods, owner, outliers, fail, serving, ejectedFor };
}

test('failures in a row eject, and a success starts the count again', () => {
  const { pods, outliers, fail } = watch(5);
  const pod = pods[0]!;
  for (let n = 0; n < 10; n++) {
    fail(pod, 4);
    outliers.succeeded(pod);
  }
  assert.equal(outliers.allows(pod), true);
  fail(pod, 5);
  assert.equal(outliers.allows(pod), false);
});

test('a pod with a clean record has none', () => {
  const { pods, outliers, fail } = watch(5);
  fail(pods[0]!, 4);
  outliers.succeeded(pods[0]!);
  assert.equal(pods[0]!.health, undefined);
});

test('each ejection is twice as long as the one before, up to the longest', () => {
  const { pods, fail, ejectedFor } = watch(5, { maxEjectionTime: 200_000 });
  const times = [5, 1, 1, 1, 1].map((failures) => {
    fail(pods[0]!, failures);
    return ejectedFor(pods[0]!);
  });
  assert.deepEqual(times, [30_000, 60_000, 120_000, 200_000, 200_000]);
});

test('each base time without an ejection takes one doubling back', () => {
  const { clock, pods, outliers, fail, ejectedFor } = watch(5);
  fail(pods[0]!, 5);
  for (let n = 0; n < 2; n++) {
    ejectedFor(pods[0]!);
    fail(pods[0]!);
  }
  assert.equal(ejectedFor(pods[0]!), 120_000);
  outliers.succeeded(pods[0]!);
  clock.advance('61s');
  fail(pods[0]!, 5);
  assert.equal(ejectedFor(pods[0]!), 60_000, 'two of three are forgiven');
  outliers.succeeded(pods[0]!);
  clock.advance('10m');
  outliers.succeeded(pods[0]!);
  assert.equal(pods[0]!.health, undefined, 'all is forgiven in the end');
});

test('ejections are shortened at random, so that clients do not come back together', () => {
  const times = Array.from({ length: 5 }, (_, index) => {
    const { pods, fail, ejectedFor } = watch(5, {}, () => index / 5);
    fail(pods[0]!, 5);
    return ejectedFor(pods[0]!);
  });
  assert.equal(new Set(times).size, 5);
  assert.ok(Math.max(...times) <= 30_000);
  assert.ok(Math.min(...times) >= 24_000);
});

test('a pod just restored gets one request at a time, and one failure ejects it again', () => {
  const { pods, outliers, fail, ejectedFor } = watch(5);
  const pod = pods[0]!;
  fail(pod, 5);
  ejectedFor(pod);
  assert.equal(outliers.allows(pod), true);
  pod.inFlight = 1;
  assert.equal(outliers.allows(pod), false);
  fail(pod);
  assert.notEqual(pod.health!.ejection, undefined);
});

test('a pod just restored is like the others once it has served a request', () => {
  const { pods, outliers, fail, ejectedFor } = watch(5);
  const pod = pods[0]!;
  fail(pod, 5);
  ejectedFor(pod);
  outliers.succeeded(pod);
  pod.inFlight = 3;
  assert.equal(outliers.allows(pod), true);
  fail(pod, 4);
  assert.equal(outliers.allows(pod), true);
});

test('outcomes that come in while a pod is ejected neither lengthen that nor end it', () => {
  const { clock, pods, outliers, fail, ejectedFor } = watch(5);
  fail(pods[0]!, 5);
  clock.advance('10s');
  fail(pods[0]!, 20);
  outliers.succeeded(pods[0]!);
  assert.equal(ejectedFor(pods[0]!), 20_000);
});

for (const [count, most] of [
  [1, 1],
  [2, 1],
  [3, 1],
  [5, 1],
  [6, 1],
  [7, 2],
  [10, 3],
  [100, 30],
] as const) {
  test(`of ${count} pods, no more than ${most} are ejected at a time`, () => {
    const { pods, fail } = watch(count);
    for (const pod of pods) fail(pod, 50);
    assert.equal(pods.filter(({ health }) => health!.ejection !== undefined).length, most);
  });
}

test('a share of 0 is as good as one pod', () => {
  const { pods, fail } = watch(10, { maxEjectionPercent: 0 });
  for (const pod of pods) fail(pod, 5);
  assert.equal(pods.filter(({ health }) => health!.ejection !== undefined).length, 1);
});

test('a pod that was spared is ejected by its next failure when the share allows it', () => {
  const { pods, outliers, fail, ejectedFor } = watch(5);
  fail(pods[0]!, 5);
  fail(pods[1]!, 5);
  assert.equal(outliers.allows(pods[1]!), true);
  ejectedFor(pods[0]!);
  outliers.succeeded(pods[0]!);
  fail(pods[1]!);
  assert.equal(outliers.allows(pods[1]!), false);
});

test('when all fail, all are tried', () => {
  const { pods, outliers, fail, serving } = watch(5);
  fail(pods[0]!, 5);
  assert.equal(serving(), 4);
  fail(pods[1]!, 5);
  assert.equal(serving(), 4, 'three of five are fit');
  fail(pods[2]!, 5);
  assert.equal(serving(), 5, 'two of five are');
  assert.equal(outliers.passedOver, 0);
});

test('panic ends when enough have recovered', () => {
  const { pods, outliers, fail, serving } = watch(5);
  for (const pod of pods) fail(pod, 5);
  outliers.succeeded(pods[1]!);
  outliers.succeeded(pods[2]!);
  assert.equal(serving(), 5);
  outliers.succeeded(pods[3]!);
  assert.equal(serving(), 4);
});

test('the only pod is used though it is ejected', () => {
  const { pods, fail, serving } = watch(1);
  fail(pods[0]!, 5);
  assert.notEqual(pods[0]!.health!.ejection, undefined);
  assert.equal(serving(), 1);
});

test('with a threshold of 0 there is no panic', () => {
  const { pods, fail, serving } = watch(1, { panicThreshold: 0 });
  fail(pods[0]!, 5);
  assert.equal(serving(), 0);
});

test('pods that cannot be reached are not fit', () => {
  const { pods, outliers, fail, serving } = watch(3);
  fail(pods[0]!, 5);
  for (const pod of pods.slice(1)) {
    pod.isUnreachable = true;
    outliers.review(pod);
  }
  assert.equal(serving(), 3);
  pods[1]!.isUnreachable = false;
  outliers.review(pods[1]!);
  assert.equal(serving(), 3, 'one of three');
  pods[2]!.isUnreachable = false;
  outliers.review(pods[2]!);
  assert.equal(serving(), 2);
  assert.equal(pods[1]!.health, undefined);
});

test('the share of fit pods follows the set', () => {
  const { pods, owner, outliers, fail, serving } = watch(10);
  for (const pod of pods.slice(0, 3)) fail(pod, 5);
  assert.equal(serving(), 7);
  for (const pod of pods.splice(3, 5)) outliers.forget(pod);
  owner.population = 5;
  outliers.weigh();
  assert.equal(serving(), 5, 'two of five are fit');
  outliers.forget(pods.shift()!);
  owner.population = 4;
  outliers.weigh();
  assert.equal(serving(), 2);
});

test('a pod that leaves takes its ejection and its timer along', () => {
  const { clock, pods, outliers, fail } = watch(5);
  fail(pods[0]!, 5);
  outliers.forget(pods[0]!);
  assert.equal(clock.pending, 0);
  fail(pods[1]!, 5);
  assert.equal(outliers.allows(pods[1]!), false, 'another one may be ejected');
});

test('only what is said to count does', () => {
  const { outliers } = watch(5, { failures: ['500', 'reset'] });
  assert.equal(outliers.counts('500'), true);
  assert.equal(outliers.counts('503'), false);
});

test('a pod that fails its health checks is ejected until it passes them, however long that takes', () => {
  const { clock, pods, outliers } = watch(3);
  outliers.ails(pods[0]!);
  clock.advance('1h');
  assert.equal(outliers.allows(pods[0]!), false);
  outliers.recovered(pods[0]!);
  assert.equal(outliers.allows(pods[0]!), true);
  outliers.succeeded(pods[0]!);
  assert.equal(pods[0]!.health, undefined);
});

test('one that is ejected for its failures stays so while it fails its health checks', () => {
  const { clock, pods, outliers, fail } = watch(3);
  fail(pods[0]!, 5);
  outliers.ails(pods[0]!);
  clock.advance('1m');
  assert.equal(outliers.allows(pods[0]!), false);
  outliers.recovered(pods[0]!);
  assert.equal(outliers.allows(pods[0]!), true);
});

test('health checks restore a pod before its time', () => {
  const { clock, pods, outliers, fail } = watch(3);
  fail(pods[0]!, 5);
  outliers.recovered(pods[0]!);
  assert.equal(outliers.allows(pods[0]!), true);
  assert.equal(clock.pending, 0);
});

test('pods that fail their health checks take no place among the ejected, and count for panic', () => {
  const { pods, outliers, fail, serving } = watch(6);
  outliers.ails(pods[0]!);
  outliers.ails(pods[1]!);
  fail(pods[2]!, 5);
  assert.equal(serving(), 3);
  outliers.ails(pods[3]!);
  assert.equal(serving(), 6);
  outliers.forget(pods.shift()!);
  fail(pods[4]!, 5);
  assert.equal(pods[4]!.health!.ejection, undefined, 'one is');
});
