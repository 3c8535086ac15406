import type { Clock } from '../../base/clock.ts';
import { until } from './abortable.ts';

/** The least between two questions for a name whose addresses can't be reached, in milliseconds. */
const AGAIN = 100;

/** When a name is asked for again: when its time is over, or now, once none of its addresses can be connected to. */
export class Recheck {
  readonly #clock: Clock;
  #wanted = new AbortController();
  /** When that was asked for which is in use. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the name was last asked for before its time. */
  #earlyAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has the name asked for now. Returns `true`, for there will be news. */
  readonly demand = (): true => {
    this.#wanted.abort();
    return true;
  };

  /** What was asked at that time was answered; in so many questions. */
  answered(askedAt: number, questions = 1): void {
    this.#askedAt = askedAt;
    this.#earlyAt += (questions - 1) * AGAIN;
    this.#wanted = new AbortController();
  }

  /**
   * Waits until `time`, on the clock, or less long on `demand`; until `signal` aborts at the longest. Answers to what
   * was asked up to the time that it returns are no news.
   */
  async wait(time: number, signal: AbortSignal): Promise<number> {
    await until(time, this.#clock, signal, this.#wanted.signal);
    if (!this.#wanted.signal.aborted) return Number.NEGATIVE_INFINITY;
    await until(Math.min(time, this.#earlyAt + AGAIN), this.#clock, signal);
    this.#earlyAt = this.#clock.now();
    return this.#askedAt;
  }
}
