import type { Clock, Timer } from '../base/clock.ts';

/** Its successor is made when this part of its age is left, but not more than so many milliseconds. */
const LEAD = 0.2;
const LONGEST_LEAD = 2_000;
/** After how many milliseconds evenkeel looks again at a connection that has outlived its age. */
const REPRIEVE = 500;

/** How old a connection may become. Tells when the end comes near, and when it is reached. */
export class Lifetime {
  readonly bornAt: number;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #endsAt: number;
  #timer: Timer | undefined = undefined;

  /** @param duration milliseconds from now; 0 means no limit */
  constructor(clock: Clock, duration: number, onNear: () => void, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.bornAt = clock.now();
    this.#endsAt = duration > 0 ? this.bornAt + duration : Number.POSITIVE_INFINITY;
    if (duration === 0) return;
    const lead = Math.min(duration * LEAD, LONGEST_LEAD);
    this.#timer = clock.schedule(() => {
      this.#timer = clock.schedule(onEnd, lead);
      onNear();
    }, duration - lead);
  }

  /** Whether the age is reached. The timer may be late. */
  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  /** Lets the connection live for a moment more. Then the end is reached again. */
  extend(): void {
    this.#endsAt = this.#clock.now() + REPRIEVE;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(this.#onEnd, REPRIEVE);
  }

  /** Stops the timer. */
  stop(): void {
    this.#timer?.cancel();
  }
}
