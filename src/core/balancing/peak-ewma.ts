import type { Clock } from '../base/clock.ts';
import type { Candidate, Observation, Picker } from './picker.ts';
import { advanced, current, LOAD_BOUNDS, rank } from './turn.ts';
import { Turns } from './weighted.ts';

/**
 * How many candidates are compared for a request. Usually it is two. In a simulation with one of ten pods five times
 * slower than the others, three lower the 99th percentile by a sixth, and shares stay as even.
 */
const DRAWS = 3;
/**
 * If the logarithms of two latencies differ by less, they count as equal. Which one is smaller is chance. A client that
 * sends one request after another would send all of them to one candidate, for as long as the peaks of the others are
 * remembered.
 */
const ALIKE = Math.log(2);
/** The logarithm of what a failure multiplies the latency by: one failure costs little, several in a row cost everything. */
const PENALTY = Math.log(2);
/** The logarithm of the milliseconds that a latency may become by failures. */
const MOST_PENALTY = Math.log(5_000);
/** What each request costs at a candidate without a history, so that the first one alone shows how fast it is. */
const UNPROBED = 1e9;

export interface PeakEwmaOptions {
  /** After so many milliseconds, an observation counts for 1/e of what it was. */
  decay: number;
  /** The latency that a new candidate begins with, in milliseconds. */
  seed: number;
  clock: Clock;
  random: () => number;
  /** The turns of all pickers of a service. */
  turns?: Turns;
}

class Slot {
  /** Its index in the set that it is in. */
  index = -1;
  /** When it has its turn, and the weight for which that was computed. */
  turn = 0;
  weight = 0;
  /**
   * When its latency will have decayed to one millisecond, on the clock. This gives its latency at any time, and the
   * difference of two such times is the ratio of two latencies. NaN before the first observation.
   */
  peak = Number.NaN;
}

/**
 * Draws a few candidates at random, and picks the one with the smallest product of latency and load. The latency is the
 * highest one observed; observations count less and less as time goes by. So one slow response is enough to notice a
 * slow candidate, and the candidate is tried again after a while. Candidates that are about equally fast have shares
 * like their weights, by load and by turn.
 *
 * From Finagle: https://twitter.github.io/finagle/guide/Clients.html#power-of-two-choices-p2c-least-loaded Finagle
 * decays the average when it is read, so each read leaves less for responses to raise. In the limit, only responses
 * above it count, as here. The draw prevents that clients which see the same latencies all choose the same candidate.
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

  /**
   * Keeps what is left of a turn. A candidate that had no weight begins with half a turn, so that heavy ones come
   * between light ones.
   */
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
    // At least two draws differ, whatever the size. Otherwise a candidate that hangs could be drawn twice.
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
    slot.turn = advanced(slot.turn, turns.now, 1 / weight, LOAD_BOUNDS);
  }

  before(a: C, b: C): boolean {
    return this.#isBetter(a, b, this.#options.clock.now());
  }

  observe(candidate: C, latency: number, observation: Observation): void {
    const slot = slotOf(candidate);
    const { clock, decay, seed } = this.#options;
    const now = clock.now();
    const before = Number.isNaN(slot.peak) ? now + decay * Math.log(seed) : slot.peak;
    const seen = now + decay * Math.log(latency);
    if (observation === 'given-up' && seen <= before) return;
    const penalised = Math.min(before + decay * PENALTY, now + decay * MOST_PENALTY);
    slot.peak = Math.max(before, seen, observation === 'failed' ? penalised : before);
  }

  #isBetter(a: C, b: C, now: number): boolean {
    const { decay } = this.#options;
    const slotOfA = slotOf(a);
    const slotOfB = slotOf(b);
    // Below a millisecond, all latencies count as equal.
    const peakOfA = Math.max(slotOfA.peak, now);
    const peakOfB = Math.max(slotOfB.peak, now);
    // False if one of them is unknown (NaN).
    if (Math.abs(peakOfA - peakOfB) < decay * ALIKE) {
      const difference = this.#rankOf(a, slotOfA) - this.#rankOf(b, slotOfB);
      return difference < 0 || (difference === 0 && peakOfA < peakOfB);
    }
    const weight = (a.weight + b.weight) / 2;
    const difference = (peakOfA - peakOfB) / decay;
    if (!Number.isNaN(difference)) return Math.exp(difference) * stepsOf(a, weight) < stepsOf(b, weight);
    return costOf(a, (peakOfA - now) / decay, weight) < costOf(b, (peakOfB - now) / decay, weight);
  }

  #rankOf({ load, weight }: C, { turn }: Slot): number {
    const stride = 1 / weight;
    return rank(load, stride, current(turn, this.#turns.now, stride, LOAD_BOUNDS));
  }
}

/** What a request costs at a candidate, one of which may be unknown. @param latency its logarithm; NaN: unknown */
function costOf(candidate: Candidate, latency: number, usual: number): number {
  if (Number.isNaN(latency)) return candidate.load * UNPROBED;
  return Math.exp(latency) * stepsOf(candidate, usual);
}

/**
 * How many times its latency a request costs at a candidate. @param usual the weight of the other candidate, because the
 * latency doesn't depend on the weight
 */
function stepsOf({ load, weight }: Candidate, usual: number): number {
  return (load * usual) / weight + 1;
}

function slotOf(candidate: Candidate): Slot {
  return ((candidate.slot as Slot | undefined) ?? (candidate.slot = new Slot())) as Slot;
}
