import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeakEwma } from '../../../src/core/balancing/peak-ewma.ts';
import type { Candidate } from '../../../src/core/balancing/picker.ts';
import { FakeClock } from '../../support/clock.ts';
import { seededRandom } from '../../support/random.ts';

class Pod implements Candidate {
  weight = 1;
  load = 0;
  slot: unknown = undefined;
  served = 0;
}

const DECAY = 10_000;

function start(count: number, latency?: number) {
  const clock = new FakeClock();
  const picker = new PeakEwma<Pod>({ decay: DECAY, seed: 30, clock, random: seededRandom(3) });
  const pods = Array.from({ length: count }, () => new Pod());
  for (const pod of pods) {
    picker.add(pod);
    if (latency !== undefined) picker.observe(pod, latency, 'answered');
  }
  return { clock, picker, pods };
}

/** How often each is picked, of so many times, while nothing else happens. */
function picks(picker: PeakEwma<Pod>, pods: readonly Pod[], times = 1_000): number[] {
  const counts = new Map(pods.map((pod) => [pod, 0]));
  for (let n = 0; n < times; n++) {
    const pod = picker.pick()!;
    counts.set(pod, counts.get(pod)! + 1);
  }
  return [...counts.values()];
}

test('an empty set has no pick, and what is removed is never picked', () => {
  const { picker, pods } = start(4, 50);
  picker.remove(pods[1]!);
  assert.equal(picks(picker, pods)[1], 0);
  for (const index of [0, 2, 3]) picker.remove(pods[index]!);
  assert.equal(picker.pick(), undefined);
  picker.add(pods[1]!);
  assert.equal(picker.pick(), pods[1]);
});

test('pods that are as quick as each other have equal shares, whatever their number', () => {
  for (const count of [2, 3, 4, 10]) {
    const { picker, pods } = start(count, 50);
    // Each draw of 10,000 is one pod's with probability 1/count: four standard deviations.
    const tolerance = 4 * Math.sqrt((10_000 / count) * (1 - 1 / count));
    for (const share of picks(picker, pods, 10_000)) {
      assert.ok(Math.abs(share - 10_000 / count) <= tolerance, `${share} of ${10_000 / count}`);
    }
  }
});

test('latency times load decides: a pod four times slower has a request when the others have four', () => {
  const { picker, pods } = start(2);
  const [quick, slow] = pods as [Pod, Pod];
  picker.observe(quick, 50, 'answered');
  picker.observe(slow, 200, 'answered');
  quick.load = 2;
  assert.equal(picker.pick(), quick);
  assert.ok(picker.before(quick, slow));
  quick.load = 4;
  assert.equal(picker.pick(), slow);
});

test('a weight divides the cost', () => {
  const { picker, pods } = start(2, 50);
  pods[1]!.weight = 3;
  pods[1]!.load = 1;
  assert.equal(picker.pick(), pods[1]);
  pods[1]!.load = 3;
  assert.equal(picker.pick(), pods[0]);
});

test('a peak counts at once, and is forgotten slowly', () => {
  const { clock, picker, pods } = start(2, 50);
  const [slow, steady] = pods as [Pod, Pod];
  picker.observe(slow, 400, 'answered');
  // Eight times the latency: forgotten after ln 8 = 2.08 times the decay, if the other is seen to stay as it is.
  for (let waited = 0; waited < 20_000; waited += 1_000) {
    assert.equal(picker.pick(), steady, `after ${waited} ms`);
    clock.advance(1_000);
    picker.observe(steady, 50, 'answered');
  }
  clock.advance(1_500);
  picker.observe(steady, 50, 'answered');
  assert.equal(picker.pick(), slow);
});

test('a pod that has become quick is forgiven by degrees', () => {
  const { clock, picker, pods } = start(2, 100);
  const [better, steady] = pods as [Pod, Pod];
  picker.observe(better, 1_000, 'answered');
  let responses = 0;
  for (; picker.pick() === steady; responses++) {
    clock.advance(500);
    picker.observe(better, 10, 'answered');
    picker.observe(steady, 100, 'answered');
  }
  // 1,000 e^(-t/τ) = 100 at 2.3 τ, which are 46 responses.
  assert.ok(Math.abs(responses - 46) <= 2, String(responses));
});

test('a pod without a history has one request at a time, until the first has told', () => {
  const { picker, pods } = start(3, 5);
  const fresh = new Pod();
  picker.add(fresh);
  const probes = new Set<Pod>();
  for (let n = 0; n < 100; n++) probes.add(picker.pick()!);
  assert.ok(probes.has(fresh));
  fresh.load = 1;
  for (const pod of pods) pod.load = 20;
  assert.equal(picks(picker, [...pods, fresh])[3], 0);
  picker.observe(fresh, 5, 'answered');
  fresh.load = 0;
  assert.ok(picks(picker, [...pods, fresh])[3]! > 500);
});

test('a first response that is quick doesn’t make a pod look free', () => {
  const { picker, pods } = start(2);
  const [known, fresh] = pods as [Pod, Pod];
  picker.observe(known, 50, 'answered');
  picker.observe(fresh, 0.01, 'answered');
  fresh.load = 1;
  assert.equal(picker.pick(), known);
});

test('a pod that fails in no time has less than its share, though it is quick', () => {
  const { clock, picker, pods } = start(5);
  const failing = pods[0]!;
  for (let n = 0; n < 5_000; n++) {
    const pod = picker.pick()!;
    pod.served++;
    clock.advance(2);
    picker.observe(pod, pod === failing ? 0.2 : 20, pod === failing ? 'failed' : 'answered');
  }
  assert.ok(failing.served < 50, String(failing.served));
});

test('a failure now and then costs little of the share', () => {
  const { clock, picker, pods } = start(5);
  for (let n = 0; n < 20_000; n++) {
    const pod = picker.pick()!;
    pod.served++;
    clock.advance(2);
    const failed = pod === pods[0] && pod.served % 1_000 === 0;
    picker.observe(pod, 20, failed ? 'failed' : 'answered');
  }
  // Out for seven seconds each time, of forty.
  assert.ok(pods[0]!.served > 1_500, String(pods[0]!.served));
});

test('what callers gave up tells only that it takes longer than they waited', () => {
  const { picker, pods } = start(2, 50);
  picker.observe(pods[0]!, 10, 'given-up');
  const evenly = picks(picker, pods);
  assert.ok(Math.abs(evenly[0]! - 500) < 70, String(evenly));
  picker.observe(pods[0]!, 1_000, 'given-up');
  assert.equal(picker.pick(), pods[1]);
});

test('a pod whose latency has decayed to nothing is not free: its load counts', () => {
  const { clock, picker, pods } = start(2, 50);
  clock.advance(DECAY * 50);
  pods[0]!.load = 1;
  assert.equal(picker.pick(), pods[1]);
});
