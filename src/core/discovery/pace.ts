import type { Clock } from '../base/clock.ts';

/** Lets a number through at once, and after that one in so many milliseconds. */
export class Pace {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #tolerance: number;
  #due = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, burst: number, interval: number) {
    this.#clock = clock;
    this.#interval = interval;
    this.#tolerance = burst * interval;
  }

  /** Counts one. Returns for how many milliseconds the next one must wait. */
  count(): number {
    const now = this.#clock.now();
    this.#due = Math.max(this.#due, now) + this.#interval;
    return Math.max(0, this.#due - now - this.#tolerance);
  }
}
