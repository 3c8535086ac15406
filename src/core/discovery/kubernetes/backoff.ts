import type { Clock } from '../../base/clock.ts';
import { ApiError } from './api.ts';

const FIRST = 800;
const LONGEST = 10_000;
const FORGOTTEN_AFTER = 120_000;
/** With the time that it takes to tell the others, slices are followed again within five seconds. */
const LONGEST_BY_ONE_THAT_ANSWERS = 4_300;
const UNTOLD = 30_000;
const FIRST_AFTER_REFUSAL = 30_000;
const LONGEST_AFTER_REFUSAL = 600_000;

/**
 * The delays between tries, as in client-go's reflector: they double from 800 ms, are lengthened at random by up to
 * their own length, and begin anew after two minutes without a failure. The cap is lower, at 10 to 20 s, so that
 * clients notice within half a minute that an API server is back.
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: () => number;
  #delay = FIRST;
  #last = Number.NEGATIVE_INFINITY;
  #afterRefusal = FIRST_AFTER_REFUSAL;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): number {
    const now = this.#clock.now();
    if (now - this.#last > FORGOTTEN_AFTER) this.#delay = FIRST;
    this.#last = now;
    const delay = this.#delay * (1 + this.#random());
    this.#delay = Math.min(this.#delay * 2, LONGEST);
    return delay;
  }

  /** All is well: the next delay is the first one again. */
  reset(): void {
    this.#delay = FIRST;
  }

  /** What was refused is allowed now. */
  allowed(): void {
    this.#afterRefusal = FIRST_AFTER_REFUSAL;
  }

  /** The delay after `error`, or what the server asks for, if that is longer. */
  after(error: unknown): number {
    if (error instanceof ApiError && error.refused) return this.refusal();
    return Math.max(this.next(), error instanceof ApiError ? error.retryAfter : 0);
  }

  /**
   * The delay after an answer of a server that has just come back. Until its caches are full, such a server refuses
   * what it allowed before. It is there, and answering costs it nothing, so it is asked every few seconds.
   */
  afterAnswer({ retryAfter }: ApiError): number {
    const longest = LONGEST_BY_ONE_THAT_ANSWERS * (1 - this.#random() / 8);
    return Math.max(Math.min(this.next(), longest), retryAfter);
  }

  /** The delay for a watch that hears from another watch when all is well again. */
  whileOthersAsk(): number {
    return UNTOLD * (1 + this.#random() / 4);
  }

  /**
   * The delay after a failure that a person must mend, perhaps soon: 30 s at first, so that a granted right is used
   * within a minute, and ten minutes at most. Lengthened at random by up to a quarter.
   */
  refusal(): number {
    const delay = this.#afterRefusal * (1 + this.#random() / 4);
    this.#afterRefusal = Math.min(this.#afterRefusal * 2, LONGEST_AFTER_REFUSAL);
    return delay;
  }
}
