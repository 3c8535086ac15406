import type { Clock, Timer } from '../base/clock.ts';

/** The part of its age, and milliseconds at most, that a connection has left when its successor is made. */
const LEAD = 0.2;
const LONGEST_LEAD = 2_000;
/** Milliseconds after which a connection that has outlived its age is looked at again. */
const REPRIEVE = 500;

/** How old a connection may become: tells when its end comes near, and when it is there. */
export class Lifetime {
  readonly bornAt: number;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #endsAt: number;
  #timer: Timer | undefined = undefined;

  /** @param duration milliseconds from now; 0: as long as it likes */
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

  /** Whether it is over. The timer may be late. */
  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  /** It goes on for a moment, and ends then, or goes on again. */
  extend(): void {
    this.#endsAt = this.#clock.now() + REPRIEVE;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(this.#onEnd, REPRIEVE);
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#timer?.cancel();
  }
}
