/**
 * Chance that hangs on what it is about: the same call, at its same attempt, meets the same, whatever else is left out of
 * a scenario. After mulberry32.
 */
export class Draws {
  #state = 0;

  /** What is drawn from now on is about these. */
  about(seed: number, a: number, b: number): this {
    let state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b);
    state = Math.imul(state ^ (state >>> 13) ^ a, 0xc2b2_ae35);
    state = Math.imul(state ^ (state >>> 16) ^ b, 0x27d4_eb2f);
    this.#state = state >>> 0;
    return this;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** With that mean, as the times between events that know nothing of each other. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }
}
