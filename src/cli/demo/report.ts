import type { Side } from './side.ts';
import type { Traffic } from './traffic.ts';

/** How busy the pods of one side are. */
export interface Rates {
  readonly client: string;
  /** What the client dials. */
  readonly dials: string;
  /** Requests per second of each pod, old ones first. */
  readonly rates: readonly number[];
}

/** The result of one side. */
export interface Report extends Rates {
  /** Which share of the requests went to new pods, from 0 to 1. */
  readonly newShare: number;
  /** Jain's index: 1 if all pods had the same number, 1/n if one of n had all. */
  readonly fairness: number;
  readonly failed: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Counts the requests of one side, from now on. */
export class Meter {
  readonly #side: Side;
  readonly #traffic: Traffic;
  readonly #counts: readonly number[];
  readonly #answered: number;
  readonly #since = performance.now();

  constructor(side: Side, traffic: Traffic) {
    this.#side = side;
    this.#traffic = traffic;
    this.#counts = side.pods.map(({ requests }) => requests);
    this.#answered = traffic.latencies.length;
  }

  rates(): Rates {
    const { name: client, dials, pods } = this.#side;
    const seconds = (performance.now() - this.#since) / 1_000;
    const rates = pods.map(({ requests }, pod) => (requests - (this.#counts[pod] ?? 0)) / seconds);
    return { client, dials, rates };
  }

  /** The result. @param old how many pods there were before the scale-out */
  report(old: number): Report {
    const now = this.rates();
    const { rates } = now;
    const sorted = this.#traffic.latencies.slice(this.#answered).toSorted((a, b) => a - b);
    return {
      ...now,
      newShare: sum(rates.slice(old)) / sum(rates),
      fairness: sum(rates) ** 2 / (rates.length * sum(rates.map((rate) => rate ** 2))),
      failed: this.#traffic.failed,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
