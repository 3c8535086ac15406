import type { Clock } from '../../base/clock.ts';
import { ApiError } from './api.ts';

const FIRST = 800;
const LONGEST = 10_000;
const FORGOTTEN_AFTER = 120_000;
/** With what it takes the others to be told, slices are followed again within five seconds. */
const LONGEST_BY_ONE_THAT_ANSWERS = 4_300;
const UNTOLD = 30_000;
const FIRST_AFTER_REFUSAL = 30_000;
const LONGEST_AFTER_REFUSAL = 600_000;

/**
 * Delays between tries as client-go's reflector has them: doubling from 800 ms, each lengthened at random by
 * up to its own length, and back to the first after two minutes without a failure. Capped earlier, at 10 to
 * 20 s, so that when an API server returns, clients learn of it within half a minute.
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

  /** All is well: the next delay is the first again. */
  reset(): void {
    this.#delay = FIRST;
  }

  /** What was refused, if it was, is allowed now. */
  allowed(): void {
    this.#afterRefusal = FIRST_AFTER_REFUSAL;
  }

  /** The delay after `error`: what the server asks for, if that is longer. */
  after(error: unknown): number {
    if (error instanceof ApiError && error.refused) return this.refusal();
    return Math.max(this.next(), error instanceof ApiError ? error.retryAfter : 0);
  }

  /**
   * The delay after an answer of a server that has just come back: until its caches are full it refuses what it
   * allowed before. It is there, and what it says costs it nothing, so that it is asked again every few seconds.
   */
  afterAnswer({ retryAfter }: ApiError): number {
    const longest = LONGEST_BY_ONE_THAT_ANSWERS * (1 - this.#random() / 8);
    return Math.max(Math.min(this.next(), longest), retryAfter);
  }

  /** The delay after which somebody asks in vain who would rather be told by others that all is well. */
  whileOthersAsk(): number {
    return UNTOLD * (1 + this.#random() / 4);
  }

  /**
   * The delay after a failure that takes somebody to mend it, who may be about to: 30 s at first, so that rights
   * take effect within a minute of being granted, and ten minutes at last. Each is lengthened at random by up to a quarter.
   */
  refusal(): number {
    const delay = this.#afterRefusal * (1 + this.#random() / 4);
    this.#afterRefusal = Math.min(this.#afterRefusal * 2, LONGEST_AFTER_REFUSAL);
    return delay;
  }
}
