import { quantile } from '../statistics.ts';
import type { Sample } from './load.ts';

/** What one contender made of one fault. Moments are on the monotonic clock. */
export interface Episode {
  readonly samples: readonly Sample[];
  /** When measuring began, when the fault did, and when it was over. */
  readonly from: number;
  readonly faultFrom: number;
  readonly faultTo: number;
  /** The name of the pod that suffered it, where it was one. */
  readonly victim: string;
  /** Requests that reached the pods during the fault, by pod, as far as they could say. */
  readonly attempts: readonly number[];
}

/** Milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** A request that took so long was stuck: a hundred times what it takes. */
const STUCK = 1_000;

/** An episode, as one looks at it. */
export class Outcome {
  readonly episode: Episode;
  /** Requests that ended before the fault began. */
  readonly before: readonly Sample[];
  /** Requests that were under way when it began. */
  readonly caught: readonly Sample[];
  /** Requests that came during the fault. */
  readonly during: readonly Sample[];
  /** All that came later than the fault began. */
  readonly since: readonly Sample[];

  constructor(episode: Episode) {
    const { from, faultFrom, faultTo } = episode;
    const samples = episode.samples.filter(({ at }) => at >= from);
    const early = samples.filter(({ at }) => at < faultFrom);
    this.episode = episode;
    this.before = early.filter((sample) => endOf(sample) < faultFrom);
    this.caught = early.filter((sample) => endOf(sample) >= faultFrom);
    this.since = samples.filter(({ at }) => at >= faultFrom);
    this.during = this.since.filter(({ at }) => at < faultTo);
  }

  get all(): readonly Sample[] {
    return [...this.before, ...this.caught, ...this.since];
  }

  /** By how much the fault made the p99 worse, of those requests that weren't stuck or failed. */
  get slowdown(): number {
    const served = this.during.filter((sample) => !isStuck(sample));
    return latencies(served).p99 / latencies(this.before).p99;
  }

  /** Responses during the fault by pod, as shares; the pods in order of their names. */
  get shares(): Record<string, number> {
    const shares: Record<string, number> = {};
    const answered = this.during.filter(({ pod }) => pod !== undefined);
    for (const { pod } of answered) shares[pod!] = (shares[pod!] ?? 0) + 1 / answered.length;
    return Object.fromEntries(Object.entries(shares).sort());
  }

  /** How many requests were stuck, or failed, that came during the fault. */
  get stuck(): number {
    return this.during.filter(isStuck).length;
  }

  /**
   * The largest number, over the time of the fault, of requests that the least loaded of the other pods
   * had: who looks for the fewest in flight gives no more than one more than that to a pod that hangs.
   */
  get inFlightMinimum(): number {
    const { victim } = this.episode;
    const others = Object.keys(this.shares).filter((pod) => pod !== victim);
    const samples = [...this.caught, ...this.during];
    let most = 0;
    for (const { at } of this.during) {
      const underWay = samples.filter((sample) => sample.at <= at && endOf(sample) > at);
      const counts = others.map((name) => underWay.filter(({ pod }) => pod === name).length);
      most = Math.max(most, Math.min(...counts));
    }
    return most;
  }
}

export function failures(samples: readonly Sample[], method?: Sample['method']): readonly Sample[] {
  return samples.filter((sample) => sample.failure !== undefined && (!method || sample.method === method));
}

export function latencies(samples: readonly Sample[]): Latencies {
  const times = samples.map(({ took }) => took);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), p999: quantile(times, 0.999) };
}

function isStuck({ took, failure }: Sample): boolean {
  return took > STUCK || failure !== undefined;
}

function endOf({ at, took }: Sample): number {
  return at + took;
}
