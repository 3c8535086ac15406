import type { Clock } from '../../base/clock.ts';
import { until } from './abortable.ts';

/** The least between two questions for a name whose addresses can't be reached, in milliseconds. */
const AGAIN = 100;

/** Whether a name still leads where it did: in doubt once none of its addresses can be connected to. */
export class Doubt {
  readonly #clock: Clock;
  #raised = new AbortController();
  /** When that was asked for which is in use. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the name was last asked for in doubt. */
  #doubtedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Raises it: the name is asked for now, and not when its time is over. Returns `true`, for there will be news. */
  readonly raise = (): true => {
    this.#raised.abort();
    return true;
  };

  /** What was asked at that time was answered; in so many questions. */
  settle(askedAt: number, questions = 1): void {
    this.#askedAt = askedAt;
    this.#doubtedAt += (questions - 1) * AGAIN;
    this.#raised = new AbortController();
  }

  /**
   * Waits until `time`, on the clock, or less long in doubt; until `signal` aborts at the longest. Answers to what
   * was asked up to the time that it returns are no news.
   */
  async wait(time: number, signal: AbortSignal): Promise<number> {
    await until(time, this.#clock, signal, this.#raised.signal);
    if (!this.#raised.signal.aborted) return Number.NEGATIVE_INFINITY;
    await until(Math.min(time, this.#doubtedAt + AGAIN), this.#clock, signal);
    this.#doubtedAt = this.#clock.now();
    return this.#askedAt;
  }
}
