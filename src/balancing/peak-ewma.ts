import type { Clock } from '../clock.ts';
import type { Candidate, Observation, Picker } from './picker.ts';

/**
 * Candidates that are compared for a request. Two is the field's number; simulated beside a pod that is five
 * times slower than nine others, three take a sixth off the 99th percentile, and shares stay as even.
 */
const DRAWS = 3;
/** Milliseconds below which latencies are as good as each other: near zero, a cost would not grow with load. */
const LEAST_LATENCY = 1;
/** What a failure multiplies the latency by: one costs little, a row of them everything. */
const PENALTY = 2;
/** Milliseconds that failures make of a latency at most. */
const MOST_PENALTY = 5_000;
/** What a candidate without a history costs for each request it has: the first one is to tell how it is. */
const UNPROBED = 1e9;

export interface PeakEwmaOptions {
  /** Milliseconds in which what was observed comes to weigh 1/e. */
  decay: number;
  /** Milliseconds that the latency of a candidate begins with. */
  seed: number;
  clock: Clock;
  random: () => number;
}

class Slot {
  /** Where it stands in the set it is in. */
  index = -1;
  /** As it was at the moment `at`; NaN before anything was observed. */
  latency = Number.NaN;
  at = 0;
}

/**
 * Picks, of a few drawn at random, the candidate with the least latency times load. Latency is the greatest
 * of those seen, each of which counts for less as time goes by. So a slow candidate is noticed with its
 * first slow response, and is tried again when that is long ago.
 *
 * Finagle's: https://twitter.github.io/finagle/guide/Clients.html#power-of-two-choices-p2c-least-loaded
 * As there, the average decays when it is read, and each read leaves less for responses to pull up: taken to
 * the limit, only those above it count. The draw keeps clients that see the same latencies from flocking
 * to the same candidate.
 */
export class PeakEwma<C extends Candidate> implements Picker<C> {
  readonly #options: PeakEwmaOptions;
  readonly #candidates: C[] = [];

  constructor(options: PeakEwmaOptions) {
    this.#options = options;
  }

  add(candidate: C): void {
    slotOf(candidate).index = this.#candidates.length;
    this.#candidates.push(candidate);
  }

  remove(candidate: C): void {
    const slot = slotOf(candidate);
    const last = this.#candidates.pop()!;
    if (last !== candidate) {
      this.#candidates[slot.index] = last;
      slotOf(last).index = slot.index;
    }
    slot.index = -1;
  }

  update(): void {}

  pick(): C | undefined {
    const { clock, random } = this.#options;
    const candidates = this.#candidates;
    const size = candidates.length;
    if (size <= 1) return candidates[0];
    const now = clock.now();
    let best: C | undefined;
    let least = Number.POSITIVE_INFINITY;
    let index = Math.floor(random() * size);
    // Two draws are distinct at least, whatever the size: with one that hangs, it would be drawn twice.
    const step = 1 + Math.floor(random() * (size - 1));
    for (let draw = 0; draw < DRAWS && draw < size; draw++) {
      const candidate = candidates[index]!;
      const cost = this.#costOf(candidate, now);
      if (cost < least) {
        least = cost;
        best = candidate;
      }
      index = (index + step) % size;
    }
    return best;
  }

  used(): void {}

  before(a: C, b: C): boolean {
    const now = this.#options.clock.now();
    return this.#costOf(a, now) < this.#costOf(b, now);
  }

  observe(candidate: C, latency: number, observation: Observation): void {
    const slot = slotOf(candidate);
    const { clock, decay, seed } = this.#options;
    const now = clock.now();
    const known = !Number.isNaN(slot.latency);
    const before = known ? slot.latency * Math.exp((slot.at - now) / decay) : seed;
    if (observation === 'given-up' && latency <= before) return;
    const penalty = observation === 'failed' ? Math.min(before * PENALTY, MOST_PENALTY) : 0;
    slot.latency = Math.max(before, latency, penalty);
    slot.at = now;
  }

  #costOf(candidate: C, now: number): number {
    const { load, weight } = candidate;
    const { latency, at } = slotOf(candidate);
    if (Number.isNaN(latency)) return load * UNPROBED;
    const left = latency * Math.exp((at - now) / this.#options.decay);
    return (Math.max(LEAST_LATENCY, left) * (load + 1)) / weight;
  }
}

function slotOf(candidate: Candidate): Slot {
  return ((candidate.slot as Slot | undefined) ?? (candidate.slot = new Slot())) as Slot;
}
