import { type BackoffTimes, backoff, JITTER } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Resolution } from '../resolver.ts';
import type { DatedFound, Outcome } from './dns-client.ts';

export interface HistoryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly minTtl: number;
  /** For how many milliseconds addresses stay in use after their name is gone. */
  readonly negativeHold: number;
  /** The port for addresses that have none. */
  readonly port: number;
}

/** What an outcome means for a service, and when to ask again, on the clock. */
export interface Step {
  readonly resolution: Resolution;
  readonly askAgainAt: number;
}

type State =
  | { readonly name: 'unknown' }
  | { readonly name: 'known'; readonly found: DatedFound }
  | { readonly name: 'withdrawn'; readonly found: DatedFound; readonly until: number };

/** While nothing is known, requests wait. So these pauses only protect the name servers: at most half a second, with jitter. */
const UNKNOWN: BackoffTimes = { first: 100, longest: 500 / (1 + JITTER) };
/** At most half a minute, with jitter. */
const KNOWN: BackoffTimes = { first: 1_000, longest: 30_000 / (1 + JITTER) };

/** Look-ups that find nothing come in a row if they are no more than so many milliseconds apart. */
const IN_A_ROW = 1_000;

/** What a service knows about its name: whether it has addresses, lost them a moment ago, or has none. */
export class History {
  readonly #options: HistoryOptions;
  #state: State = { name: 'unknown' };
  /** How many look-ups failed in a row. */
  #failures = 0;
  /** When a look-up last found nothing, on the clock. */
  #foundNothingAt = Number.NEGATIVE_INFINITY;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Records an outcome. */
  record(outcome: Outcome): Step {
    switch (outcome.name) {
      case 'found':
        return this.#found(outcome);
      case 'absent':
        return this.#absent(outcome.error, outcome.freshUntil);
      case 'failed':
        return this.#failed(outcome.error, outcome.askedAt);
    }
  }

  #found(found: DatedFound): Step {
    this.#state = { name: 'known', found };
    this.#failures = 0;
    const validUntil = found.expiresAt + this.#options.negativeHold;
    return { resolution: { ...this.#set(found), validUntil }, askAgainAt: found.freshUntil };
  }

  #absent(error: Error, freshUntil: number): Step {
    const now = this.#options.clock.now();
    const state = this.#state.name === 'known' ? this.#withdraw(this.#state.found) : this.#state;
    this.#failures = 0;
    if (state.name === 'unknown') {
      const asksAgain = this.#isFirst();
      return { resolution: { error, source: 'dns', asksAgain }, askAgainAt: freshUntil };
    }
    if (now >= state.until) {
      this.#state = { name: 'unknown' };
      // If it is asked at once, the next resolution is the error.
      return { resolution: { endpoints: [], source: 'dns' }, askAgainAt: now };
    }
    this.#state = state;
    return {
      resolution: { ...this.#set(state.found), withdrawn: true },
      askAgainAt: Math.min(now + this.#absence(), state.until),
    };
  }

  #failed(error: Error, askedAt: number): Step {
    const { clock } = this.#options;
    const failures = this.#failures++;
    return {
      resolution: { error, source: 'dns', askedAt, asksAgain: this.#isFirst() },
      askAgainAt: clock.now() + this.#afterFailure(failures),
    };
  }

  /** Whether this look-up is the first one in a row that finds nothing. Stock clients would ask for each of their requests. */
  #isFirst(): boolean {
    const now = this.#options.clock.now();
    const isFirst = now - this.#foundNothingAt > IN_A_ROW;
    this.#foundNothingAt = now;
    return isFirst;
  }

  #afterFailure(failures: number): number {
    const { random } = this.#options;
    switch (this.#state.name) {
      case 'unknown':
        return backoff(failures, UNKNOWN, random);
      case 'known':
        return backoff(failures, KNOWN, random);
      case 'withdrawn':
        return this.#absence();
    }
  }

  /** How long evenkeel waits before it asks for a name again that is gone. The name may come back at any time. */
  #absence(): number {
    const { minTtl, random } = this.#options;
    return minTtl * (1 - JITTER * random());
  }

  #withdraw(found: DatedFound): State & { name: 'withdrawn' } {
    const now = this.#options.clock.now();
    // If nobody used the service for a while, the old addresses are dropped. But a failed look-up is no reason to drop
    // them.
    const since = this.#failures > 0 ? now : Math.min(now, found.expiresAt);
    return { name: 'withdrawn', found, until: since + this.#options.negativeHold };
  }

  #set({ addresses, source, match }: DatedFound) {
    return {
      endpoints: addresses.map((found) => ({ port: this.#options.port, ...found })),
      source,
      ...(match && { matchedName: match.name }),
    };
  }
}
