import type { Clock, Timer } from '../base/clock.ts';

/** How seldom `never` is, as a power of e: once in nine million. */
const NEVER = 16;
/** Intervals after which what was counted is old, though it be little. */
const MOST_INTERVALS = 6;

/** What is counted of an endpoint. */
export interface Counted {
  /** Requests and dials that have ended, well or not, but for those that their callers gave up. */
  readonly judged: number;
}

/** Of one endpoint; `before`, of the time before that. */
class Tally {
  /** What the endpoint had when the time began. */
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

/** An endpoint's requests of late. */
export interface Sample<S> {
  readonly endpoint: S;
  readonly total: number;
  /** The share of them that didn't fail. */
  readonly successRate: number;
}

export interface FailureRatesOptions<S> {
  /** Milliseconds. */
  readonly interval: number;
  /** Requests that are enough to say something. */
  readonly volume: number;
  readonly clock: Clock;
  /** An interval is over: says of those that have had enough requests how these went. */
  readonly onInterval?: (samples: readonly Sample<S>[]) => void;
}

/**
 * How many of their requests endpoints have failed of late. While none fails nothing is counted; with the
 * first that does, intervals begin. An endpoint with few requests is counted over several.
 */
export class FailureRates<S extends Counted> {
  readonly #fleet: { readonly members: ReadonlyMap<string, S> };
  readonly #options: FailureRatesOptions<S>;
  readonly #tallies = new Map<S, Tally>();
  #timer: Timer | undefined;

  /** @param fleet all endpoints there are */
  constructor(fleet: { readonly members: ReadonlyMap<string, S> }, options: FailureRatesOptions<S>) {
    this.#fleet = fleet;
    this.#options = options;
  }

  /** A request to an endpoint has failed, which it has counted as judged. */
  failed(endpoint: S): void {
    this.#tallyOf(endpoint, 1).failed++;
    if (this.#timer === undefined) this.#start();
  }

  /** The share of its requests that an endpoint has failed of late. */
  rateOf(endpoint: S): number {
    const tally = this.#tallies.get(endpoint);
    if (tally === undefined) return 0;
    const failed = tally.failed + tally.failedBefore;
    return failed === 0 ? 0 : Math.min(1, failed / (endpoint.judged - tally.since + tally.totalBefore));
  }

  /** Forgets what an endpoint has failed. */
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

  /** Begins an interval, for all that there are by now. */
  #start(): void {
    for (const member of this.#fleet.members.values()) this.#tallyOf(member, 0);
    const { clock, interval } = this.#options;
    this.#timer = clock.schedule(() => this.#onIntervalOver(), interval);
  }

  /** With `judged`, how many of what an endpoint has had are of this time. */
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
 * How many failures in a row say something about an endpoint, where others fail that share of their requests: `least`
 * at least, and so many that the others would have them by chance as seldom as never.
 */
export function tellingRun(least: number, share: number): number {
  if (share >= 1) return Number.POSITIVE_INFINITY;
  return share === 0 ? least : Math.max(least, Math.ceil(NEVER / -Math.log(share)));
}

/**
 * What the others of an endpoint do as a rule: the median of their rates, the lower one of two. A mean would be that of
 * a few which are broken.
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
