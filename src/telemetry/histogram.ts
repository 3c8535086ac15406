import type { Attributes } from './metrics.ts';

/** What was observed with the same attributes. */
export interface Series {
  readonly attributes: Attributes;
  /** How many were in each bucket, and in none; not cumulated. */
  readonly counts: number[];
  sum: number;
}

/** Counts values by buckets, for each set of attributes. */
export class Histogram {
  /** The greatest value of each bucket. */
  readonly buckets: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
  }

  record(value: number, attributes: Attributes): void {
    const key = JSON.stringify(attributes);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { attributes, counts: new Array(this.buckets.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    const bucket = this.buckets.findIndex((greatest) => value <= greatest);
    series.counts[bucket === -1 ? this.buckets.length : bucket]!++;
    series.sum += value;
  }

  forget(attributes: Attributes): void {
    this.#series.delete(JSON.stringify(attributes));
  }

  get series(): Iterable<Series> {
    return this.#series.values();
  }
}
