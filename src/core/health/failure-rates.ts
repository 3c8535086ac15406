import type { Clock, Timer } from '../base/clock.ts';

/** What counts as "never", as a power of e: once in nine million. */
const NEVER = 16;
/** After this many intervals, counts are old, even if they are small. */
const MOST_INTERVALS = 6;

/** What an endpoint counts. */
export interface Counted {
  /** How many requests and dials have ended, without those that their callers gave up. */
  readonly judged: number;
}

/** The counts of one endpoint. `totalBefore` and `failedBefore` are those of the time before `since`. */
class Tally {
  /** The endpoint's `judged` when this time began. */
  since: number;
  intervals = 0;
  failed = 0;
  totalBefore = 0;
  failedBefore = 0;

  constructor(since: number) {
    this.since = since;
  }

  roll(judged: number): void {
    this.totalBefore = judged - this.since;
    this.failedBefore = this.failed;
    this.since = judged;
    this.failed = 0;
    this.intervals = 0;
  }
}

/** The recent requests of an endpoint. */
export interface Sample<S> {
  readonly endpoint: S;
  readonly total: number;
  /** Which share of them did not fail, from 0 to 1. */
  readonly successRate: number;
}

export interface FailureRatesOptions<S> {
  /** In milliseconds. */
  readonly interval: number;
  /** How many requests are enough to compare an endpoint with others. */
  readonly volume: number;
  readonly clock: Clock;
  /** Called at the end of an interval, with the endpoints that had enough requests. */
  readonly onInterval?: (samples: readonly Sample<S>[]) => void;
}

/**
 * How many of their recent requests endpoints have failed. Nothing is counted until a request fails; then intervals
 * begin. An endpoint with few requests is counted over several intervals.
 */
export class FailureRates<S extends Counted> {
  readonly #suspects: { readonly members: ReadonlyMap<string, S> };
  readonly #options: FailureRatesOptions<S>;
  readonly #tallies = new Map<S, Tally>();
  #timer: Timer | undefined;

  /** @param suspects all endpoints */
  constructor(suspects: { readonly members: ReadonlyMap<string, S> }, options: FailureRatesOptions<S>) {
    this.#suspects = suspects;
    this.#options = options;
  }

  /** A request to an endpoint has failed. The endpoint has counted it in `judged` already. */
  failed(endpoint: S): void {
    this.#tallyOf(endpoint, 1).failed++;
    if (this.#timer === undefined) this.#start();
  }

  /** Which share of its recent requests an endpoint has failed, from 0 to 1. */
  rateOf(endpoint: S): number {
    const tally = this.#tallies.get(endpoint);
    if (tally === undefined) return 0;
    const failed = tally.failed + tally.failedBefore;
    return failed === 0 ? 0 : Math.min(1, failed / (endpoint.judged - tally.since + tally.totalBefore));
  }

  /** Forgets the failures of an endpoint. */
  forget(endpoint: S): void {
    if (!this.#tallies.delete(endpoint)) return;
    for (const { failed, failedBefore } of this.#tallies.values()) if (failed + failedBefore > 0) return;
    this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#tallies.clear();
  }

  /** Begins an interval for all present endpoints. */
  #start(): void {
    for (const member of this.#suspects.members.values()) this.#tallyOf(member, 0);
    const { clock, interval } = this.#options;
    this.#timer = clock.schedule(() => this.#onIntervalOver(), interval);
  }

  /** @param judged how many of the endpoint's requests already belong to this interval */
  #tallyOf(endpoint: S, judged: number): Tally {
    let tally = this.#tallies.get(endpoint);
    if (tally === undefined) {
      tally = new Tally(endpoint.judged - judged);
      this.#tallies.set(endpoint, tally);
    }
    return tally;
  }

  #onIntervalOver(): void {
    const { volume, onInterval } = this.#options;
    const samples: Sample<S>[] = [];
    for (const [endpoint, { since, failed }] of this.#tallies) {
      const total = endpoint.judged - since;
      if (total < volume) continue;
      samples.push({ endpoint, total, successRate: 1 - failed / total });
    }
    let isAnyFailing = false;
    for (const [endpoint, tally] of this.#tallies) {
      const isEnough = endpoint.judged - tally.since >= volume;
      if (isEnough || ++tally.intervals === MOST_INTERVALS) tally.roll(endpoint.judged);
      if (tally.failed + tally.failedBefore > 0) isAnyFailing = true;
    }
    onInterval?.(samples);
    if (isAnyFailing) this.#start();
    else this.stop();
  }
}

/**
 * How many failures in a row are telling, if other endpoints fail this share of their requests: at least `least`, and
 * so many that the others would "never" have them by chance.
 */
export function tellingRun(least: number, share: number): number {
  if (share >= 1) return Number.POSITIVE_INFINITY;
  return share === 0 ? least : Math.max(least, Math.ceil(NEVER / -Math.log(share)));
}

/**
 * The usual failure rate of the other endpoints: the median, which a few broken endpoints don't change as they would
 * change the mean.
 */
export function usualRate<S>(endpoint: S, members: Iterable<S>, rateOf: (member: S) => number): number {
  const rates: number[] = [];
  let zeros = 0;
  for (const other of members) {
    if (other === endpoint) continue;
    const rate = rateOf(other);
    if (rate === 0) zeros++;
    else rates.push(rate);
  }
  const middle = (zeros + rates.length - 1) >> 1;
  return middle < zeros ? 0 : (rates.sort((a, b) => a - b)[middle - zeros] ?? 0);
}
