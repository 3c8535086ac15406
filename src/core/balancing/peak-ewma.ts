import type { Clock } from '../base/clock.ts';
import type { Candidate, Observation, Picker } from './picker.ts';
import { advanced, current, LOAD_BOUNDS, rank } from './turn.ts';
import { Turns } from './weighted.ts';

/**
 * Candidates that are compared for a request. Two is the field's number; simulated beside a pod that is five
 * times slower than nine others, three take a sixth off the 99th percentile, and shares stay as even.
 */
const DRAWS = 3;
/**
 * Latencies are alike whose logarithms differ by less. Which of them is the lesser is chance, and a client that sends
 * one request after the other would send all to one candidate, for as long as the others' peaks are remembered.
 */
const ALIKE = Math.log(2);
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
  /** Of all pickers of a service. */
  turns?: Turns;
}

class Slot {
  /** Where it stands in the set it is in. */
  index = -1;
  /** When it is its turn, and the weight by which that was reckoned. */
  turn = 0;
  weight = 0;
  /**
   * When its latency will have decayed to one millisecond, as a time of the clock: that says what it is at any time, and two
   * such times are as far apart as the latencies are alike. NaN before anything was observed.
   */
  peak = Number.NaN;
}

/**
 * Picks, of a few drawn at random, the candidate with the least latency times load. Latency is the greatest
 * of those seen, each of which counts for less as time goes by. So a slow candidate is noticed with its
 * first slow response, and is tried again when that is long ago. Those that are about as quick have shares as they
 * weigh, by load and by turn.
 *
 * Finagle's: https://twitter.github.io/finagle/guide/Clients.html#power-of-two-choices-p2c-least-loaded
 * As there, the average decays when it is read, and each read leaves less for responses to pull up: taken to
 * the limit, only those above it count. The draw keeps clients that see the same latencies from flocking
 * to the same candidate.
 */
export class PeakEwma<C extends Candidate> implements Picker<C> {
  readonly #options: PeakEwmaOptions;
  readonly #turns: Turns;
  readonly #candidates: C[] = [];

  constructor(options: PeakEwmaOptions) {
    this.#options = options;
    this.#turns = options.turns ?? new Turns();
  }

  add(candidate: C): void {
    const slot = slotOf(candidate);
    slot.index = this.#candidates.length;
    this.#candidates.push(candidate);
    this.#weigh(slot, candidate.weight);
    this.#turns.weight += slot.weight;
  }

  remove(candidate: C): void {
    const slot = slotOf(candidate);
    const last = this.#candidates.pop()!;
    if (last !== candidate) {
      this.#candidates[slot.index] = last;
      slotOf(last).index = slot.index;
    }
    slot.index = -1;
    this.#turns.weight -= slot.weight;
  }

  update(candidate: C): void {
    const slot = slotOf(candidate);
    if (slot.weight === candidate.weight) return;
    this.#turns.weight += candidate.weight - slot.weight;
    this.#weigh(slot, candidate.weight);
  }

  /** Keeps what part of a turn is left. Those without a weight until now begin with a half, the heavy ones between the light. */
  #weigh(slot: Slot, weight: number): void {
    if (slot.weight === weight) return;
    const { now } = this.#turns;
    slot.turn = now + (slot.weight === 0 ? 0.5 : (slot.turn - now) * slot.weight) / weight;
    slot.weight = weight;
  }

  pick(): C | undefined {
    const { clock, random } = this.#options;
    const candidates = this.#candidates;
    const size = candidates.length;
    if (size <= 1) return candidates[0];
    const now = clock.now();
    let index = Math.floor(random() * size);
    // Two draws are distinct at least, whatever the size: with one that hangs, it would be drawn twice.
    const step = 1 + Math.floor(random() * (size - 1));
    let best = candidates[index]!;
    for (let draw = 1; draw < DRAWS && draw < size; draw++) {
      index = (index + step) % size;
      const candidate = candidates[index]!;
      if (this.#isBetter(candidate, best, now)) best = candidate;
    }
    return best;
  }

  used(candidate: C): void {
    const slot = slotOf(candidate);
    const turns = this.#turns;
    const { weight } = candidate;
    turns.now += 1 / Math.max(turns.weight, weight);
    slot.turn = advanced(slot.turn, turns.now, weight, LOAD_BOUNDS);
  }

  before(a: C, b: C): boolean {
    return this.#isBetter(a, b, this.#options.clock.now());
  }

  observe(candidate: C, latency: number, observation: Observation): void {
    const slot = slotOf(candidate);
    const { clock, decay, seed } = this.#options;
    const now = clock.now();
    const before = Number.isNaN(slot.peak) ? seed : Math.exp((slot.peak - now) / decay);
    if (observation === 'given-up' && latency <= before) return;
    const penalty = observation === 'failed' ? Math.min(before * PENALTY, MOST_PENALTY) : 0;
    const highest = Math.max(before, latency, penalty);
    if (highest !== before || Number.isNaN(slot.peak)) slot.peak = now + decay * Math.log(highest);
  }

  #isBetter(a: C, b: C, now: number): boolean {
    const { decay } = this.#options;
    const slotOfA = slotOf(a);
    const slotOfB = slotOf(b);
    // Below a millisecond, latencies are as good as each other.
    const peakOfA = Math.max(slotOfA.peak, now);
    const peakOfB = Math.max(slotOfB.peak, now);
    // Not where one of them is not known.
    if (Math.abs(peakOfA - peakOfB) < decay * ALIKE) {
      const difference = this.#rankOf(a, slotOfA) - this.#rankOf(b, slotOfB);
      return difference < 0 || (difference === 0 && peakOfA < peakOfB);
    }
    const weight = (a.weight + b.weight) / 2;
    return costOf(a, (peakOfA - now) / decay, weight) < costOf(b, (peakOfB - now) / decay, weight);
  }

  #rankOf({ load, weight }: C, { turn }: Slot): number {
    return rank(load, weight, current(turn, this.#turns.now, weight, LOAD_BOUNDS));
  }
}

/**
 * What a request costs at a candidate of a latency, given by its logarithm, beside one of another weight: it has that
 * latency whatever the candidate weighs.
 */
function costOf({ load, weight }: Candidate, latency: number, usual: number): number {
  return Number.isNaN(latency) ? load * UNPROBED : Math.exp(latency) * ((load * usual) / weight + 1);
}

function slotOf(candidate: Candidate): Slot {
  return ((candidate.slot as Slot | undefined) ?? (candidate.slot = new Slot())) as Slot;
}
