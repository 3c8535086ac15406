import type { Clock } from '../../base/clock.ts';
import { until } from './abortable.ts';

/** At least so many milliseconds are between two questions for a name whose addresses can't be reached. */
const AGAIN = 100;

/** Decides when a name is asked for again: when its TTL is over, or now, if none of its addresses can be connected. */
export class Recheck {
  readonly #clock: Clock;
  #wanted = new AbortController();
  /** When the answer in use was asked for. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the name was last asked for early. */
  #earlyAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks for the name now. Returns `true`, because there will be an answer. */
  readonly demand = (): true => {
    this.#wanted.abort();
    return true;
  };

  /** An answer has come to what was asked at `askedAt`, with so many questions. */
  answered(askedAt: number, questions = 1): void {
    this.#askedAt = askedAt;
    this.#earlyAt += (questions - 1) * AGAIN;
    this.#wanted = new AbortController();
  }

  /**
   * Waits until `time`, on the clock, or until `demand` is called, or `signal` aborts. Returns a time: answers to what
   * was asked before it aren't news.
   */
  async wait(time: number, signal: AbortSignal): Promise<number> {
    await until(time, this.#clock, signal, this.#wanted.signal);
    if (!this.#wanted.signal.aborted) return Number.NEGATIVE_INFINITY;
    await until(Math.min(time, this.#earlyAt + AGAIN), this.#clock, signal);
    this.#earlyAt = this.#clock.now();
    return this.#askedAt;
  }
}
