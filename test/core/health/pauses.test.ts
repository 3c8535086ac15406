import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutlierDetection } from '../../../src/core/health/outlier-detection.ts';
import { Pauses } from '../../../src/core/health/pauses.ts';
import { FakeClock } from '../../support/clock.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeSuspect, OUTLIERS } from '../../support/suspect.ts';

/** Pods, which are named by letters where that is their number. */
function rest(some: number | FakeSuspect[], clock = new FakeClock()) {
  const changed: string[] = [];
  const named = (_: unknown, index: number) =>
    new FakeSuspect(String.fromCharCode(97 + index), ({ address }) => changed.push(address));
  const pods = typeof some === 'number' ? Array.from({ length: some }, named) : some;
  const members = new Map(pods.map((pod) => [pod.address, pod]));
  const outliers = new OutlierDetection<FakeSuspect>(
    { members },
    { ...OUTLIERS, failures: ['503'] },
    clock,
    () => 0,
  );
  const pauses = new Pauses<FakeSuspect>({ members }, outliers, clock);
  const allowed = () =>
    pods
      .filter(({ isHealthy }) => isHealthy)
      .map(({ address }) => address)
      .join('');
  const serve = (pod: FakeSuspect) => {
    pod.judged++;
    pauses.unlimited(pod);
    outliers.succeeded(pod);
  };
  const limit = (pod: FakeSuspect, duration: number) => {
    pauses.limited(pod, duration);
    pod.judged++;
    outliers.succeeded(pod);
  };
  const fail = (pod: FakeSuspect, times = 1) => {
    for (let n = 0; n < times; n++) {
      pod.judged++;
      outliers.failed(pod, '503');
    }
  };
  return { clock, pods, members, changed, outliers, pauses, allowed, serve, limit, fail };
}

test('a pod that says 503, and for how long, gets that time', () => {
  const { clock, pods, pauses, allowed, changed } = rest(3);
  pauses.unavailable(pods[0]!, 2_000);
  assert.equal(allowed(), 'bc');
  clock.advance(1_999);
  assert.equal(allowed(), 'bc');
  clock.advance(1);
  assert.equal(allowed(), 'abc');
  assert.deepEqual(changed, ['a', 'a']);
  assert.equal(pods[0]!.health, undefined);
});

test('pauses end where something else on the way ejects from now on', () => {
  const { clock, pods, outliers, pauses, allowed, fail } = rest(10);
  pauses.unavailable(pods[0]!, 20_000);
  fail(pods[1]!, 5);
  pauses.unavailable(pods[1]!, 20_000);
  assert.equal(allowed(), 'cdefghij');
  outliers.restoreAll('mesh');
  assert.equal(allowed(), 'abcdefghij');
  assert.equal(pods[0]!.health, undefined);
  assert.equal(pods[1]!.health!.standing, 'on-trial');
  assert.equal(clock.pending, 0);
});

test('the longest pause that was asked for counts', () => {
  const { clock, pods, pauses, allowed } = rest(2);
  pauses.unavailable(pods[0]!, 2_000);
  pauses.unavailable(pods[0]!, 5_000);
  pauses.unavailable(pods[0]!, 1_000);
  clock.advance(4_000);
  assert.equal(allowed(), 'b');
  clock.advance(1_000);
  assert.equal(allowed(), 'ab');
  assert.equal(clock.pending, 0);
});

test('one 429 says nothing about a pod, nor do several that others come between', () => {
  const { pods, allowed, limit, serve } = rest(3);
  for (let n = 0; n < 100; n++) {
    limit(pods[0]!, 10_000);
    if (n % 4 === 3) serve(pods[0]!);
  }
  assert.equal(allowed(), 'abc');
});

test('five in a row do, where other pods say no such thing', () => {
  const { pods, allowed, limit } = rest(3);
  for (let n = 0; n < 4; n++) limit(pods[0]!, 10_000);
  assert.equal(allowed(), 'abc');
  limit(pods[0]!, 10_000);
  assert.equal(allowed(), 'bc');
});

test('where all pods say 429, one answer in five is compared with what the others say', () => {
  const { clock, pods, members, outliers, allowed } = rest(10);
  let comparisons = 0;
  const fleet = {
    get members() {
      comparisons++;
      return members;
    },
  };
  const pauses = new Pauses<FakeSuspect>(fleet, outliers, clock);
  for (let n = 0; n < 1_000; n++) {
    const pod = pods[n % 10]!;
    pauses.limited(pod, 10_000);
    pod.judged++;
  }
  assert.ok(comparisons <= 210, `${comparisons} times`);
  assert.equal(allowed(), 'abcdefghij');
});

test('where a thousand pods say 503, and for how long, none of them is compared with all others', () => {
  let looks = 0;
  const pods = Array.from({ length: 1_000 }, (_, n) => new FakeSuspect(`${n}`));
  for (const pod of pods) {
    const get = () => {
      looks++;
      return 1;
    };
    Object.defineProperty(pod, 'judged', { get, set: () => {} });
  }
  const { pauses, fail } = rest(pods);
  for (const pod of pods) fail(pod);
  looks = 0;
  for (const pod of pods) pauses.unavailable(pod, 10_000);
  assert.ok(looks > 0 && looks <= 10_000, `${looks} looks`);
  assert.ok(pods.every(({ isHealthy }) => isHealthy));
});

test('a pod gets its pause again once the others, which failed as well, serve', () => {
  const { pods, pauses, allowed, serve, fail } = rest(30);
  for (const pod of pods) fail(pod, 2);
  for (let n = 0; n < 10; n++) for (const pod of pods) serve(pod);
  pauses.unavailable(pods[0]!, 2_000);
  assert.equal(allowed().length, 29);
});

for (const share of [0.3, 0.6, 0.95, 1]) {
  test(`a caller who makes ${share * 100} % of the requests, and is limited at all pods, pauses none`, () => {
    const random = seededRandom(1);
    const { clock, pods, limit, serve } = rest(10);
    let paused = 0;
    for (let n = 0; n < 30_000; n++) {
      const pod = pods[n % 10]!;
      if (pod.isHealthy) {
        if (random() < share) limit(pod, 10_000);
        else serve(pod);
      } else {
        paused++;
      }
      clock.advance(2);
    }
    assert.equal(paused, 0);
  });
}

test('no more are paused than may be ejected, together with those that are', () => {
  const { pods, pauses, allowed, fail } = rest(10);
  fail(pods[0]!, 5);
  for (const pod of pods.slice(1)) pauses.unavailable(pod, 10_000);
  assert.equal(allowed(), 'defghij');
});

test('one may always be', () => {
  const { pods, pauses, allowed } = rest(2);
  pauses.unavailable(pods[0]!, 10_000);
  pauses.unavailable(pods[1]!, 10_000);
  assert.equal(allowed(), 'b');
});

test('one that fails takes the place of one that is paused', () => {
  const { pods, pauses, allowed, fail } = rest(3);
  pauses.unavailable(pods[0]!, 10_000);
  fail(pods[1]!, 5);
  assert.equal(allowed(), 'ac');
});

test('one that fails takes the places of as many that are paused as are too many by now', () => {
  const { pods, members, outliers, pauses, fail, allowed } = rest(10);
  for (const pod of pods.slice(0, 3)) pauses.unavailable(pod, 20_000);
  for (const pod of pods.slice(7)) {
    members.delete(pod.address);
    outliers.forget(pod);
  }
  outliers.reviewPanic();
  assert.equal(allowed(), 'defghij');
  // Of seven, two may be out.
  fail(pods[6]!, 5);
  assert.equal(allowed(), 'abdefhij');
});

test('panic lifts pauses', () => {
  const { pods, pauses, outliers, allowed } = rest(3);
  pauses.unavailable(pods[0]!, 10_000);
  assert.equal(allowed(), 'bc');
  pods[1]!.isUnreachable = true;
  outliers.review(pods[1]!);
  assert.equal(allowed(), 'abc', 'one of three is left');
});

test('there is no pause when nothing else is left', () => {
  const { pods, pauses, allowed, outliers } = rest(1);
  pauses.unavailable(pods[0]!, 10_000);
  assert.equal(allowed(), 'a');
  assert.equal(outliers.passedOver, 0);
});

test('where most others fail as well, none is paused', () => {
  const { pods, pauses, allowed, fail } = rest(10);
  for (const pod of pods) fail(pod, 3);
  for (const pod of pods) pauses.unavailable(pod, 10_000);
  assert.equal(allowed(), 'abcdefghij');
});

test('a pod that leaves takes its pause along', () => {
  const { clock, pods, pauses, outliers, limit } = rest(2);
  pauses.unavailable(pods[0]!, 2_000);
  limit(pods[0]!, 2_000);
  pauses.forget(pods[0]!);
  outliers.forget(pods[0]!);
  assert.equal(clock.pending, 0);
});
