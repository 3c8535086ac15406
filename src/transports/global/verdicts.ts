import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/base/clock.ts';

/** Whether evenkeel balances requests to an origin, or the dispatcher that was global before sends them. */
export type Verdict = 'managed' | 'foreign';

/** Judges an origin. Rejects if it can't at present. */
export type Judge = (origin: string) => Verdict | Promise<Verdict>;

/** What is known about an origin. */
export type Known = Settled | Pending;

type Settled =
  | { readonly name: 'managed' }
  /** After `until`, on the clock, it is judged again, while requests go on. */
  | { readonly name: 'foreign'; until: number };

export interface Pending {
  readonly name: 'pending';
  /** Never rejects. */
  readonly settled: Promise<Settled>;
  /** How many requests wait for the verdict. */
  held: number;
}

export interface VerdictsOptions {
  readonly judge: Judge;
  readonly clock: Clock;
  /** How many origins are remembered. */
  readonly maxOrigins: number;
  /** How many milliseconds requests may wait for a verdict. */
  readonly timeout: number;
}

// For how many milliseconds an origin stays foreign before it is judged again: if it was judged foreign, and if it
// could not be judged.
const FOUND_FOREIGN = 5 * 60_000;
const TAKEN_FOR_FOREIGN = 10_000;

/**
 * Remembers whether each origin is managed. A managed origin stays managed, because a name of the cluster must never
 * lead to a public address instead.
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
      // The dispatcher that was global before will find the reason, and report it as it always does.
      return this.#remember(origin, 'foreign', TAKEN_FOR_FOREIGN);
    }
  }

  #inTime(verdict: Promise<Verdict>): Promise<Verdict> {
    const { clock, timeout } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    // While requests wait, this timer may be all that keeps the process alive.
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
