import type { Clock, Timer } from '../base/clock.ts';

/** Its successor is made when this part of its age is left, but not more than so many milliseconds. */
const LEAD = 0.2;
const LONGEST_LEAD = 2_000;
/** After how many milliseconds evenkeel looks again at a connection that has outlived its age. */
const REPRIEVE = 500;

/** How old a connection may become. Tells when the end comes near, and when it is reached. */
export class Lifetime {
  readonly bornAt: number;
  /** When the age is reached, in whole milliseconds. */
  readonly endsAt: number;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #timer: Timer | undefined = undefined;

  /** @param duration milliseconds from now; 0 means no limit */
  constructor(clock: Clock, duration: number, onNear: () => void, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.bornAt = clock.now();
    this.endsAt = duration > 0 ? Math.floor(this.bornAt + duration) : Number.POSITIVE_INFINITY;
    if (duration === 0) return;
    const lead = Math.min(duration * LEAD, LONGEST_LEAD);
    this.#timer = clock.schedule(() => {
      this.#timer = clock.schedule(onEnd, lead);
      onNear();
    }, duration - lead);
  }

  /** Lets the connection live for a moment more. Returns when the end is reached again. */
  extend(): number {
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(this.#onEnd, REPRIEVE);
    return Math.floor(this.#clock.now()) + REPRIEVE;
  }

  /** Stops the timer. */
  stop(): void {
    this.#timer?.cancel();
  }
}
