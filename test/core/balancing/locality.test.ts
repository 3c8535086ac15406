import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heap, HeapNode } from '../../../src/core/balancing/heap.ts';
import { LeastRequest } from '../../../src/core/balancing/least-request.ts';
import { Locality, LocalityPicker, type Located, OWN_ZONE } from '../../../src/core/balancing/locality.ts';
import { PeakEwma } from '../../../src/core/balancing/peak-ewma.ts';
import type { Picker, PickerFactory } from '../../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../../src/core/balancing/round-robin.ts';
import type { Clock } from '../../../src/core/base/clock.ts';
import { seededRandom } from '../../support/random.ts';

/** Milliseconds until the own zone falls silent, and while it is. */
const WELL = 5_000;
const SILENT = 3_000;
/** Milliseconds that a caller waits, that a failure is held against a pod, and failures in a row that eject it. */
const PATIENCE = 500;
const HOLD = 1_000;
const FAILURES = 5;
/** Requests between two answers: each is as likely to be followed by an answer, so that one run of 256 is as long. */
const LONGEST_RUN = 8;
const ZONES = ['a', 'b', 'c'];
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

interface Pod extends Located {
  readonly zone: string;
  load: number;
  slot: unknown;
  failures: number;
  silent: boolean;
}

interface Scene {
  readonly policy: keyof typeof POLICIES;
  readonly size: number;
  /** Requests a second, how many of them come at once, and whether the times between them are random. */
  readonly rate: number;
  readonly burst: number;
  readonly even: boolean;
  /** Milliseconds that they take, in the mean. */
  readonly takes: number;
}

const POLICIES = {
  'least-request': () => new LeastRequest(),
  'round-robin': () => new RoundRobin(),
  'peak-ewma': (clock: Clock, random: () => number) =>
    new PeakEwma({ decay: 10_000, seed: 0, clock, random }),
};

/** What happens in the zone `a` of three: how many requests fail, and which share of them stays in the zone. */
function play(scene: Scene, isLocal: boolean, falls: boolean, seed: number) {
  const random = seededRandom(seed);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  let now = 0;
  const events = new Heap<{ at: number; happen: () => void }>();
  const after = (delay: number, happen: () => void) => {
    const at = now + delay;
    events.add(new HeapNode({ at, happen }), at);
  };
  const clock: Clock = { now: () => now, schedule: () => assert.fail('nothing is to be scheduled') };
  const create = (() => POLICIES[scene.policy](clock, random)) as PickerFactory;
  const locality = new Locality('zone', { zone: 'a' }, random);
  const picker: Picker<Pod> = isLocal ? new LocalityPicker<Pod>(locality, create, true) : create<Pod>();
  const zones = ZONES.flatMap((zone) => Array.from({ length: scene.size }, () => zone));
  locality.update(
    zones.map((zone, n) => ({ address: `10.0.0.${n}`, port: 80, zone })),
    undefined,
  );
  const pods = zones.map(
    (zone): Pod => ({
      zone,
      level: locality.levelOf({ zone }),
      load: 0,
      weight: 1,
      slot: undefined,
      failures: 0,
      silent: false,
    }),
  );
  const out = new Set<Pod>();
  const weigh = () => locality.weigh(pods.filter((pod) => !out.has(pod)));
  pods.sort(() => random() - 0.5).forEach((pod) => void picker.add(pod));
  weigh();
  const count = { all: 0, near: 0, failed: 0 };

  const leave = (pod: Pod) => {
    pod.load--;
    if (!out.has(pod)) picker.update(pod);
  };
  const fail = (pod: Pod) => {
    count.failed++;
    picker.observe?.(pod, PATIENCE, 'failed');
    after(HOLD, () => leave(pod));
    if (++pod.failures < FAILURES || out.has(pod)) return;
    out.add(pod);
    picker.remove(pod);
    weigh();
  };
  const serve = (pod: Pod, took: number) => {
    if (pod.silent) {
      after(PATIENCE - took, () => fail(pod));
      return;
    }
    pod.failures = 0;
    leave(pod);
    picker.observe?.(pod, took, 'answered');
    locality.served(pod.level);
  };
  const request = () => {
    const pod = picker.pick()!;
    picker.used(pod);
    pod.load++;
    picker.update(pod);
    if (now >= WELL) count.all++;
    if (now >= WELL && pod.level === OWN_ZONE) count.near++;
    const takes = Math.min(exponential(scene.takes), PATIENCE);
    after(takes, () => serve(pod, takes));
  };
  const arrive = () => {
    for (let n = 0; n < scene.burst; n++) request();
    const gap = (1_000 * scene.burst) / scene.rate;
    if (now < WELL + SILENT) after(scene.even ? gap : exponential(gap), arrive);
  };
  after(0, arrive);
  after(WELL, () => {
    for (const pod of pods) pod.silent = falls && pod.zone === 'a';
  });
  for (let next = events.first; next !== undefined; next = events.first) {
    events.remove(next);
    now = next.value.at;
    next.value.happen();
  }
  return { failed: count.failed, near: count.near / count.all };
}

function* scenes(): Generator<Scene> {
  for (const policy of Object.keys(POLICIES) as (keyof typeof POLICIES)[]) {
    for (const size of [2, 3]) {
      for (const rate of [50, 300, 1_000]) {
        yield { policy, size, rate, burst: 1, even: true, takes: 10 };
        yield { policy, size, rate, burst: 1, even: false, takes: 30 };
        yield { policy, size, rate, burst: 1, even: false, takes: 100 };
        yield { policy, size, rate, burst: 20, even: true, takes: 20 };
      }
    }
  }
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

test('an own zone that falls silent fails at most twice as many requests as without zones', () => {
  for (const scene of scenes()) {
    const failed = (isLocal: boolean) => mean(SEEDS.map((seed) => play(scene, isLocal, true, seed).failed));
    const [on, off] = [failed(true), failed(false)];
    // What is in flight in that moment, a Poisson number, is lost before anything can be known, and so is the run after it.
    const inFlight = (scene.rate * scene.takes) / 1_000;
    const chance = 3 * Math.sqrt(inFlight / SEEDS.length);
    const bar = Math.max(2 * off, inFlight + Math.max(scene.burst, LONGEST_RUN)) + chance;
    assert.ok(on <= bar, `${JSON.stringify(scene)}: ${on} failed, ${off} without zones`);
  }
});

test('an own zone that is well keeps 99 of 100 requests, at any rate, and in bursts', () => {
  for (const scene of scenes()) {
    const near = mean(SEEDS.map((seed) => play(scene, true, false, seed).near));
    assert.ok(near >= 0.99, `${JSON.stringify(scene)}: ${near} stayed`);
  }
});
