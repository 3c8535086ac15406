import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/base/clock.ts';

/** Whether requests to an origin are balanced, or go to the dispatcher that was global before. */
export type Verdict = 'managed' | 'foreign';

/** Judges an origin. Rejects when it can't at present. */
export type Judge = (origin: string) => Verdict | Promise<Verdict>;

/** What is known of an origin. */
export type Known = Settled | Pending;

type Settled =
  | { readonly name: 'managed' }
  /** Judged anew, beside the requests, after `until` on the clock. */
  | { readonly name: 'foreign'; until: number };

export interface Pending {
  readonly name: 'pending';
  /** Never rejects. */
  readonly settled: Promise<Settled>;
  /** Requests that wait for it. */
  held: number;
}

export interface VerdictsOptions {
  readonly judge: Judge;
  readonly clock: Clock;
  /** Origins that are remembered. */
  readonly maxOrigins: number;
  /** Milliseconds that requests may wait for a verdict. */
  readonly timeout: number;
}

// Milliseconds that an origin stays foreign before it is judged anew: one that was found to be, and one that
// had to be taken for it.
const FOUND_FOREIGN = 5 * 60_000;
const TAKEN_FOR_FOREIGN = 10_000;

/**
 * Remembers of each origin whether it is managed. What is managed stays so, for a name of the cluster must
 * not fall through to a public one.
 */
export class Verdicts {
  readonly #known: LRUCache<string, Known>;
  readonly #options: VerdictsOptions;

  constructor(options: VerdictsOptions) {
    this.#options = options;
    this.#known = new LRUCache({ max: options.maxOrigins });
  }

  on(origin: string): Known {
    const known = this.#known.get(origin);
    if (known === undefined) return this.#judge(origin);
    if (known.name === 'foreign' && this.#options.clock.now() >= known.until) {
      known.until = Number.POSITIVE_INFINITY;
      void this.#settle(origin, this.#options.judge(origin));
    }
    return known;
  }

  #judge(origin: string): Known {
    const verdict = this.#options.judge(origin);
    if (typeof verdict === 'string') return this.#remember(origin, verdict, FOUND_FOREIGN);
    const pending: Known = { name: 'pending', settled: this.#settle(origin, this.#inTime(verdict)), held: 0 };
    this.#known.set(origin, pending);
    return pending;
  }

  async #settle(origin: string, verdict: Verdict | Promise<Verdict>): Promise<Settled> {
    try {
      return this.#remember(origin, await verdict, FOUND_FOREIGN);
    } catch {
      // The dispatcher that was global before finds out why, and says so as it always did.
      return this.#remember(origin, 'foreign', TAKEN_FOR_FOREIGN);
    }
  }

  #inTime(verdict: Promise<Verdict>): Promise<Verdict> {
    const { clock, timeout } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    // It may be all that keeps the process alive while requests wait.
    const timer = clock.schedule(() => reject(new Error('no verdict in time')), timeout, true);
    return Promise.race([verdict, late]).finally(() => timer.cancel());
  }

  #remember(origin: string, name: Verdict, time: number): Settled {
    const settled: Settled =
      name === 'managed' ? { name } : { name, until: this.#options.clock.now() + time };
    this.#known.set(origin, settled);
    return settled;
  }
}
