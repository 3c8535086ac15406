import assert from 'node:assert/strict';
import { Heap, HeapNode } from '../../src/core/balancing/heap.ts';
import { LeastRequest } from '../../src/core/balancing/least-request.ts';
import { Locality, type Located, OWN_ZONE } from '../../src/core/balancing/locality.ts';
import { LocalityPicker } from '../../src/core/balancing/locality-picker.ts';
import { PeakEwma } from '../../src/core/balancing/peak-ewma.ts';
import type { Picker, PickerFactory } from '../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../src/core/balancing/round-robin.ts';
import type { Clock } from '../../src/core/base/clock.ts';
import { seededRandom } from './random.ts';

/** Milliseconds until the own zone falls silent, and while it is. */
const WELL = 5_000;
const SILENT = 3_000;
/** Milliseconds that a caller waits, that a failure is held against a pod, and failures in a row that eject it. */
const PATIENCE = 500;
const HOLD = 1_000;
/** Milliseconds until an answer that costs nothing, or a refusal, is there. */
const NETWORK = 1;
const FAILURES = 5;
const ZONES = ['a', 'b', 'c'];

interface Pod extends Located {
  readonly zone: string;
  load: number;
  inFlight: number;
  slot: unknown;
  failures: number;
  fault: Fault | undefined;
}

/** What befalls: it answers no more, or 503 at once, or breaks its connections and refuses others. */
export type Fault = 'silent' | 'errs' | 'breaks';
/** To whom, if to anybody: the own zone, or one pod of it. */
export type Victims = 'zone' | 'pod';

/** With `clients`, each of so many sends one request after the other, whatever the rate. */
export interface Scene {
  readonly clients?: number;
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
export function play(scene: Scene, isLocal: boolean, seed: number, fault?: Fault, victims: Victims = 'zone') {
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
      inFlight: 0,
      unanswered: 0,
      lagging: false,
      load: 0,
      weight: 1,
      slot: undefined,
      failures: 0,
      fault: undefined,
    }),
  );
  const out = new Set<Pod>();
  const weigh = () => locality.weigh(pods.filter((pod) => !out.has(pod)));
  pods.sort(() => random() - 0.5).forEach((pod) => void picker.add(pod));
  weigh();
  const count = { all: 0, near: 0, failed: 0, blind: 0, inFlight: 0 };
  /** Requests that pods have, by what ends them. */
  const open = new Map<Pod, Set<() => void>>(pods.map((pod) => [pod, new Set()]));
  let isKnown = false;
  let begin = (): void => {};

  const leave = (pod: Pod) => {
    pod.load--;
    if (!out.has(pod)) picker.update(pod);
  };
  const fail = (pod: Pod, took: number) => {
    count.failed++;
    isKnown = true;
    picker.observe?.(pod, took, 'failed');
    pod.inFlight--;
    if (!out.has(pod)) picker.update(pod);
    after(HOLD, () => leave(pod));
    if (scene.clients !== undefined) begin();
    if (++pod.failures < FAILURES || out.has(pod)) return;
    out.add(pod);
    picker.remove(pod);
    weigh();
  };
  const serve = (pod: Pod, took: number) => {
    pod.failures = 0;
    pod.inFlight--;
    locality.served(pod);
    pod.unanswered = 0;
    leave(pod);
    picker.observe?.(pod, took, 'answered');
    if (scene.clients !== undefined) begin();
  };
  begin = () => {
    if (now >= WELL + SILENT) return;
    const pod = picker.pick()!;
    picker.used(pod);
    pod.load++;
    pod.inFlight++;
    pod.unanswered++;
    picker.update(pod);
    if (now >= WELL) count.all++;
    if (now >= WELL && pod.level === OWN_ZONE) count.near++;
    // Nothing has shown yet that it will fail.
    if (pod.fault !== undefined && !isKnown) count.blind++;
    const takes = Math.min(exponential(scene.takes), PATIENCE);
    const since = now;
    const requests = open.get(pod)!;
    const end = () => {
      if (!requests.delete(end)) return;
      if (pod.fault === undefined) serve(pod, takes);
      else fail(pod, now - since);
    };
    requests.add(end);
    if (pod.fault === undefined) {
      after(takes, () => pod.fault !== 'silent' && end());
      after(PATIENCE, end);
    } else {
      after(pod.fault === 'silent' ? PATIENCE : NETWORK, end);
    }
  };
  const arrive = () => {
    for (let n = 0; n < scene.burst; n++) begin();
    const gap = (1_000 * scene.burst) / scene.rate;
    if (now < WELL + SILENT) after(scene.even ? gap : exponential(gap), arrive);
  };
  if (scene.clients === undefined) after(0, arrive);
  else for (let n = 0; n < scene.clients; n++) after(n * random(), begin);
  after(WELL, () => {
    if (fault === undefined) return;
    const near = pods.filter(({ zone }) => zone === 'a');
    for (const pod of victims === 'zone' ? near : near.slice(0, 1)) {
      pod.fault = fault;
      count.blind += open.get(pod)!.size;
      count.inFlight += open.get(pod)!.size;
      if (fault === 'breaks') for (const end of [...open.get(pod)!]) after(NETWORK, end);
    }
  });
  for (let next = events.first; next !== undefined; next = events.first) {
    events.remove(next);
    now = next.value.at;
    next.value.happen();
  }
  return { failed: count.failed, near: count.near / count.all, blind: count.blind, inFlight: count.inFlight };
}

/** Requests between two answers: each is as likely to be followed by an answer, so that one run of 256 is as long. */
export const LONGEST_RUN = 8;
export const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

export function* scenes(): Generator<Scene> {
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

/** The same, and callers of which each sends one request after the other, and large bursts. */
export function* allScenes(): Generator<Scene> {
  yield* scenes();
  for (const policy of Object.keys(POLICIES) as (keyof typeof POLICIES)[]) {
    for (const size of [2, 3]) {
      for (const clients of [1, 4, 20, 100])
        yield { policy, size, clients, rate: 0, burst: 1, even: true, takes: 20 };
      for (const rate of [300, 1_000]) yield { policy, size, rate, burst: 100, even: true, takes: 20 };
    }
  }
}

export const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
