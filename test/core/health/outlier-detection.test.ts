import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutlierDetection } from '../../../src/core/health/outlier-detection.ts';
import type { OutlierSettings } from '../../../src/core/health/settings.ts';
import { FakeClock } from '../../support/clock.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeSuspect, OUTLIERS } from '../../support/suspect.ts';

/** Some pods under outlier detection, without chance unless asked for. */
function watch(count: number, settings: Partial<OutlierSettings> = {}, random = () => 0) {
  const clock = new FakeClock();
  const said: string[] = [];
  const onReasons = ({ address, health }: FakeSuspect) =>
    void said.push(`${address} is ${health?.ejection === undefined ? 'not' : 'ejected'}`);
  const pods = Array.from({ length: count }, (_, index) => new FakeSuspect(`pod-${index}`, onReasons));
  const members = new Map(pods.map((pod) => [pod.address, pod]));
  const outliers = new OutlierDetection<FakeSuspect>(
    { members },
    { ...OUTLIERS, ...settings },
    clock,
    random,
  );
  const fail = (pod: FakeSuspect, times = 1) => {
    for (let n = 0; n < times; n++) {
      pod.judged++;
      outliers.failed(pod, '503');
    }
  };
  const leave = (pod: FakeSuspect) => {
    members.delete(pod.address);
    outliers.forget(pod);
  };
  const serving = () => pods.filter(({ isHealthy }) => isHealthy).length;
  /** How long a pod stays ejected from now on. */
  const ejectedFor = (pod: FakeSuspect) => {
    let milliseconds = 0;
    for (; pod.health?.ejection !== undefined; milliseconds += 1_000) clock.advance(1_000);
    return milliseconds;
  };
  return { clock, pods, outliers, said, fail, leave, serving, ejectedFor };
}

test('failures in a row eject, and a success starts the count again', () => {
  const { pods, outliers, fail } = watch(5);
  const pod = pods[0]!;
  for (let n = 0; n < 10; n++) {
    fail(pod, 4);
    outliers.succeeded(pod);
  }
  assert.equal(pod.isHealthy, true);
  fail(pod, 5);
  assert.equal(pod.isHealthy, false);
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
  const { pods, fail, ejectedFor } = watch(5);
  const pod = pods[0]!;
  fail(pod, 5);
  ejectedFor(pod);
  assert.equal(pod.isHealthy, true);
  pod.inFlight = 1;
  assert.equal(pod.isHealthy, false);
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
  assert.equal(pod.isHealthy, true);
  fail(pod, 4);
  assert.equal(pod.isHealthy, true);
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
  assert.equal(pods[1]!.isHealthy, true);
  ejectedFor(pods[0]!);
  outliers.succeeded(pods[0]!);
  fail(pods[1]!);
  assert.equal(pods[1]!.isHealthy, false);
});

test('while any that is left serves, what is ejected is not used: it would fail more', () => {
  const { pods, fail, serving } = watch(3);
  fail(pods[0]!, 5);
  fail(pods[1]!, 50);
  assert.equal(serving(), 2, 'one of them serves');
});

test('when all that are left fail, all are tried', () => {
  const { pods, outliers, fail, serving } = watch(5);
  for (const pod of pods.slice(0, 4)) fail(pod, 5);
  assert.equal(serving(), 4);
  fail(pods[4]!, 5);
  assert.equal(serving(), 5);
  assert.equal(outliers.passedOver, 0);
});

test('where fewer than the threshold are left, all are tried', () => {
  const { pods, fail, serving } = watch(10, { maxEjectionPercent: 100 });
  for (const pod of pods.slice(0, 5)) fail(pod, 50);
  assert.equal(serving(), 5);
  for (const pod of pods.slice(5)) pod.isUnreachable = true;
  fail(pods[9]!);
  assert.equal(serving(), 10);
});

test('panic ends when one that is left serves', () => {
  const { pods, outliers, fail, serving } = watch(5);
  for (const pod of pods) fail(pod, 5);
  outliers.succeeded(pods[1]!);
  assert.equal(serving(), 4);
});

test('one that serves though it is ejected is so no more, and makes room for one that fails', () => {
  const { pods, outliers, fail, serving } = watch(3);
  for (const pod of pods) fail(pod, 5);
  outliers.succeeded(pods[0]!);
  assert.equal(pods[0]!.health?.ejection, undefined);
  assert.equal(serving(), 3);
  fail(pods[1]!, 50);
  assert.equal(serving(), 2);
});

test('one that fails and may not be ejected is not fit, until it serves, or for some time', () => {
  const { clock, pods, outliers, fail } = watch(5);
  fail(pods[0]!, 5);
  fail(pods[1]!, 5);
  fail(pods[2]!, 5);
  assert.equal(pods[1]!.health!.standing, 'failing');
  outliers.succeeded(pods[1]!);
  assert.equal(pods[1]!.health, undefined);
  clock.advance('30s');
  assert.equal(pods[2]!.health!.standing, 'fit');
  fail(pods[2]!);
  assert.notEqual(pods[2]!.health!.standing, 'fit');
});

test('the only pod is used though it is ejected', () => {
  const { pods, fail, serving } = watch(1);
  fail(pods[0]!, 5);
  assert.notEqual(pods[0]!.health!.ejection, undefined);
  assert.equal(serving(), 1);
});

test('in panic one that is just restored serves like any', () => {
  const { clock, pods, outliers, fail } = watch(5, { maxEjectionPercent: 100, panicThreshold: 90 });
  const [first, second] = pods as [FakeSuspect, FakeSuspect];
  fail(first, 5);
  clock.advance(15_000);
  fail(second, 5);
  clock.advance(15_000);
  assert.equal(first.health!.standing, 'on-trial');
  assert.notEqual(second.health!.ejection, undefined);
  first.inFlight = 1;
  assert.ok(first.isHealthy, 'four of five serve, and that is panic');
  clock.advance(15_000);
  assert.ok(!first.isHealthy, 'panic is over');
  outliers.succeeded(first);
  assert.ok(first.isHealthy);
});

test('one that is ejected in panic, or restored, is said to be', () => {
  const { pods, outliers, fail, said } = watch(1);
  fail(pods[0]!, 5);
  assert.deepEqual(said, ['pod-0 is ejected']);
  outliers.succeeded(pods[0]!);
  assert.deepEqual(said, ['pod-0 is ejected', 'pod-0 is not']);
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
  const { pods, outliers, fail, leave, serving } = watch(10);
  for (const pod of pods.slice(0, 3)) fail(pod, 5);
  assert.equal(serving(), 7);
  for (const pod of pods.splice(3, 5)) leave(pod);
  outliers.reviewPanic();
  assert.equal(serving(), 5, 'two of five are fit');
  leave(pods.shift()!);
  outliers.reviewPanic();
  assert.equal(serving(), 2);
});

test('a pod that leaves takes its ejection and its timer along', () => {
  const { clock, pods, outliers, fail } = watch(5);
  fail(pods[0]!, 5);
  outliers.forget(pods[0]!);
  assert.equal(clock.pending, 0);
  fail(pods[1]!, 5);
  assert.equal(pods[1]!.isHealthy, false, 'another one may be ejected');
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
  assert.equal(pods[0]!.isHealthy, false);
  outliers.recovered(pods[0]!);
  assert.equal(pods[0]!.isHealthy, true);
  outliers.succeeded(pods[0]!);
  assert.equal(pods[0]!.health, undefined);
});

test('one that is ejected for its failures stays so while it fails its health checks', () => {
  const { clock, pods, outliers, fail } = watch(3);
  fail(pods[0]!, 5);
  outliers.ails(pods[0]!);
  clock.advance('1m');
  assert.equal(pods[0]!.isHealthy, false);
  outliers.recovered(pods[0]!);
  assert.equal(pods[0]!.isHealthy, true);
});

test('health checks restore a pod before its time', () => {
  const { clock, pods, outliers, fail } = watch(3);
  fail(pods[0]!, 5);
  outliers.recovered(pods[0]!);
  assert.equal(pods[0]!.isHealthy, true);
  assert.equal(clock.pending, 0);
});

test('pods that fail their health checks take no place among the ejected, and count for panic', () => {
  const { pods, outliers, fail, leave, serving } = watch(6);
  outliers.ails(pods[0]!);
  outliers.ails(pods[1]!);
  fail(pods[2]!, 5);
  assert.equal(serving(), 3);
  outliers.ails(pods[3]!);
  assert.equal(serving(), 6);
  leave(pods.shift()!);
  fail(pods[4]!, 5);
  assert.equal(pods[4]!.health!.ejection, undefined, 'one is');
});

/** Sends requests to all pods in turn, as many a second in all; says how many ejections there were within a minute. */
function play(share: (pod: number) => number, { count = 10, rate = 500, seed = 1, seconds = 60 } = {}) {
  const random = seededRandom(seed);
  const { clock, pods, outliers, fail } = watch(count, {}, random);
  const ejected: { pod: number; at: number; requests: number }[] = [];
  const out = new Set<FakeSuspect>();
  const requests = pods.map(() => 0);
  for (let n = 0; n < rate * seconds; n++) {
    const index = n % count;
    const pod = pods[index]!;
    if (pod.isHealthy) {
      requests[index]!++;
      if (random() < share(index)) {
        fail(pod);
      } else {
        pod.judged++;
        outliers.succeeded(pod);
      }
    }
    clock.advance(1_000 / rate);
    for (const [other, { health }] of pods.entries()) {
      if (health?.ejection === undefined) out.delete(pods[other]!);
      else if (!out.has(pods[other]!)) {
        out.add(pods[other]!);
        ejected.push({ pod: other, at: clock.now(), requests: requests[other]! });
      }
    }
  }
  return { ejected, pods };
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`a pod that fails one request in three is ejected within a minute, and no other is, seed ${seed}`, () => {
    const { ejected } = play((pod) => (pod === 3 ? 1 / 3 : 0.01), { seed });
    assert.ok(ejected.length > 0);
    assert.deepEqual(new Set(ejected.map(({ pod }) => pod)), new Set([3]));
    console.log(`seed ${seed}: one pod in ten failing one in three was ejected after ${ejected[0]!.at} ms`);
  });

  for (const [what, share] of [
    ['one request in a hundred', 0.01],
    ['one request in three', 1 / 3],
    ['one request in two', 1 / 2],
    ['all requests', 1],
  ] as const) {
    for (const count of [2, 3, 10]) {
      test(`of ${count} pods that all fail ${what}, none is ejected, seed ${seed}`, () => {
        const { ejected } = play(() => share, { seed, count });
        assert.deepEqual(ejected, []);
      });
    }
  }
}

test('pods that all begin to fail at once are not ejected for it', () => {
  const { pods, outliers, fail } = watch(10);
  for (let n = 0; n < 1_000; n++) {
    for (const pod of pods) {
      if (n < 500) {
        pod.judged++;
        outliers.succeeded(pod);
      } else {
        fail(pod);
      }
    }
  }
  assert.deepEqual(
    pods.map(({ health }) => health!.ejection),
    pods.map(() => undefined),
  );
});

test('a pod that can be dialled again after it could not, and was not ejected for that, is tried again in time', () => {
  const { clock, pods, outliers, fail } = watch(3);
  fail(pods[0]!, 5);
  const pod = pods[1]!;
  pod.isUnreachable = true;
  fail(pod, 5);
  assert.equal(pod.health!.standing, 'unreachable', 'no more than one of three is ejected');
  pod.isUnreachable = false;
  outliers.review(pod);
  assert.equal(pod.health!.standing, 'failing');
  clock.advance('30s');
  assert.equal(
    pod.health!.standing,
    'fit',
    'with nothing left to say it, it may have no request to show it by',
  );
});

test('a pod that goes on failing when the others serve again is ejected', () => {
  const { pods, clock, outliers, fail } = watch(10);
  for (let n = 0; n < 3_000; n++) {
    for (const [index, pod] of pods.entries()) {
      if (n < 500 || index === 7) fail(pod);
      else {
        pod.judged++;
        outliers.succeeded(pod);
      }
    }
    clock.advance(10);
  }
  assert.deepEqual(
    pods.filter(({ health }) => health?.ejection !== undefined),
    [pods[7]],
  );
});

test('one with few requests is compared by those of up to six intervals', () => {
  const random = seededRandom(3);
  const { clock, pods, outliers, fail } = watch(10);
  for (let n = 0; n < 60 * 50 && pods[0]!.health?.ejection === undefined; n++) {
    for (const [index, pod] of pods.entries()) {
      if (index === 0 && n % 15 > 0) continue;
      if (index === 0 && random() < 1 / 3) fail(pod);
      else {
        pod.judged++;
        outliers.succeeded(pod);
      }
    }
    clock.advance(20);
  }
  assert.notEqual(pods[0]!.health?.ejection, undefined);
});

test('whoever wants no success rates has none', () => {
  const { clock, pods, outliers, fail } = watch(10, { enforcingSuccessRate: 0 });
  for (let n = 0; n < 3_000; n++) {
    for (const [index, pod] of pods.entries()) {
      if (index === 0 && n % 3 === 0) fail(pod);
      else {
        pod.judged++;
        outliers.succeeded(pod);
      }
    }
    clock.advance(20);
  }
  assert.equal(pods[0]!.health?.ejection, undefined);
});

test('pods just restored are not limited when nothing else is left', () => {
  const { pods, outliers, fail, ejectedFor, serving } = watch(2);
  fail(pods[0]!, 5);
  ejectedFor(pods[0]!);
  pods[0]!.inFlight = 1;
  assert.equal(serving(), 1);
  pods[1]!.isUnreachable = true;
  outliers.review(pods[1]!);
  assert.equal(pods[0]!.isHealthy, true);
  pods[1]!.isUnreachable = false;
  outliers.review(pods[1]!);
  assert.equal(pods[0]!.isHealthy, false);
});
