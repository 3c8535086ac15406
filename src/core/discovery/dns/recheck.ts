import type { Clock } from '../../base/clock.ts';
import { until } from './abortable.ts';

/** At least so many milliseconds are between two questions for a name whose addresses can't be reached. */
const AGAIN = 100;
/** At least so many milliseconds are between two questions for a name whose addresses are only slow to connect. */
const AGAIN_WHILE_SLOW = 1_000;
/** For so many milliseconds after an answer, a new question would get the same one. */
const NEWS = 200;

/**
 * Decides when a name is asked for again: when its TTL is over; or now, if none of its addresses can be connected, or if
 * they are slow to take connections. A client that resolves the name for each connection would know its new addresses.
 */
export class Recheck {
  readonly #clock: Clock;
  #wanted = new AbortController();
  /** When the answer in use was asked for. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the name was last asked for early. */
  #earlyAt = Number.NEGATIVE_INFINITY;
  #slowAt = Number.NEGATIVE_INFINITY;
  #isUnreachable = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks for the name now. Returns `true`, because there will be an answer. */
  readonly demand = (): true => {
    this.#isUnreachable = true;
    this.#wanted.abort();
    return true;
  };

  /**
   * Asks for the name now, because requests wait until its addresses take a connection. Does nothing if the name was
   * asked for a moment ago.
   */
  demandWhileSlow(): void {
    const now = this.#clock.now();
    if (now - this.#askedAt < NEWS || now - this.#slowAt < AGAIN_WHILE_SLOW) return;
    this.#slowAt = now;
    this.#wanted.abort();
  }

  /** Whether the name is asked for because none of its addresses can be connected. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** An answer has come to what was asked at `askedAt`, with so many questions. */
  answered(askedAt: number, questions = 1): void {
    this.#askedAt = askedAt;
    this.#earlyAt += (questions - 1) * AGAIN;
    this.#isUnreachable = false;
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
