import type { Clock } from '../../clock.ts';
import { ApiError } from './api.ts';

const FIRST = 800;
const LONGEST = 10_000;
const FORGOTTEN_AFTER = 120_000;
const AFTER_REFUSAL = 600_000;

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

  /** The delay after `error`: what the server asks for, if that is longer. */
  after(error: unknown): number {
    if (error instanceof ApiError && error.refused) return this.refusal();
    return Math.max(this.next(), error instanceof ApiError ? error.retryAfter : 0);
  }

  /** The delay after a failure that won't go away soon. */
  refusal(): number {
    return AFTER_REFUSAL * (1 + this.#random() / 4);
  }
}
