import type { Attributes } from './metrics.ts';

/** The values that were observed with the same attributes. */
export interface Series {
  readonly attributes: Attributes;
  /** How many values are in each bucket, not cumulated; the last count is for values above all buckets. */
  readonly counts: number[];
  sum: number;
}

/** Counts values by buckets, for each set of attributes. */
export class Histogram {
  /** The upper bound of each bucket. */
  readonly buckets: readonly number[];
  readonly #series = new Map<string, Series>();
  /** The same by object, because a caller that records often has one object for each set. */
  readonly #known = new WeakMap<Attributes, Series>();

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
  }

  record(value: number, attributes: Attributes): void {
    const series = this.#known.get(attributes) ?? this.#seriesOf(attributes);
    let bucket = 0;
    while (bucket < this.buckets.length && value > this.buckets[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.sum += value;
  }

  #seriesOf(attributes: Attributes): Series {
    const key = JSON.stringify(attributes);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { attributes, counts: new Array(this.buckets.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    this.#known.set(attributes, series);
    return series;
  }

  forget(attributes: Attributes): void {
    this.#known.delete(attributes);
    this.#series.delete(JSON.stringify(attributes));
  }

  clear(): void {
    for (const { attributes } of this.#series.values()) this.forget(attributes);
  }

  get series(): Iterable<Series> {
    return this.#series.values();
  }
}
