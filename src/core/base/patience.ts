import { afterIncoming, type Clock, type Timer } from './clock.ts';

/** How many steps a wait has. */
const STEPS = 4;

/**
 * A wait for something that another process has to do. Time in which this process did not run doesn't count: each step
 * counts for no more than its length, however late its timer is. The end comes only after all that had arrived was
 * read.
 */
export class Patience implements Timer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  readonly #step: number;
  #left = STEPS;
  #timer: Timer;
  #cancelled = false;

  /** Calls `callback` once, `delay` milliseconds from now at the earliest. */
  constructor(clock: Clock, callback: () => void, delay: number) {
    this.#clock = clock;
    this.#callback = callback;
    this.#step = delay / STEPS;
    this.#timer = this.#next();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#timer.cancel();
  }

  #next(): Timer {
    return this.#clock.schedule(() => this.#onStep(), this.#step);
  }

  #onStep(): void {
    if (--this.#left > 0) this.#timer = this.#next();
    else afterIncoming(this.#clock, () => this.#onEnd());
  }

  #onEnd(): void {
    if (!this.#cancelled) this.#callback();
  }
}
