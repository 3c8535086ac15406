import type { Clock } from '../../base/clock.ts';
import { until } from './abortable.ts';

/** The least between two questions for a name whose addresses can't be reached, in milliseconds. */
const AGAIN = 100;
/** The same for one whose addresses are slow to take connections, which may be all that is wrong with them. */
const AGAIN_WHILE_SLOW = 1_000;
/** For so many milliseconds, what was asked for is what anybody would be told who asks now. */
const NEWS = 200;

/**
 * When a name is asked for again: when its time is over, or now, once none of its addresses can be connected to, or these
 * take a while. Who resolves it for each connection would know by then whether there are others.
 */
export class Recheck {
  readonly #clock: Clock;
  #wanted = new AbortController();
  /** When that was asked for which is in use. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the name was last asked for before its time. */
  #earlyAt = Number.NEGATIVE_INFINITY;
  #slowAt = Number.NEGATIVE_INFINITY;
  #isUnreachable = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has the name asked for now. Returns `true`, for there will be news. */
  readonly demand = (): true => {
    this.#isUnreachable = true;
    this.#wanted.abort();
    return true;
  };

  /** Has the name asked for, unless that was done a moment ago: requests wait for its addresses to take a connection. */
  demandWhileSlow(): void {
    const now = this.#clock.now();
    if (now - this.#askedAt < NEWS || now - this.#slowAt < AGAIN_WHILE_SLOW) return;
    this.#slowAt = now;
    this.#wanted.abort();
  }

  /** Whether it is because none of its addresses can be connected to that the name is asked for. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** What was asked at that time was answered; in so many questions. */
  answered(askedAt: number, questions = 1): void {
    this.#askedAt = askedAt;
    this.#earlyAt += (questions - 1) * AGAIN;
    this.#isUnreachable = false;
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
