import { millisecondsOf, ticksOf } from '../base/ticks.ts';

/** A request is recent in the present window of 30 s, and in the last one. */
const WINDOW = ticksOf(30_000);

// Buckets are one tick wide up to 16 ticks, and a quarter of a power of two above, as in an HDR histogram:
// https://hdrhistogram.github.io/HdrHistogram/. The last bucket has everything from two minutes on.
const LINEAR = 16;
const FIRST_POWER = 4;
const LONGEST = 2 ** 21 - 1;
const BUCKETS = bucketOf(LONGEST) + 1;

// In each window, the first `EACH` requests are counted. Of the others, one in `SHARE` is, drawn at random, and counts
// for as many. Quantiles stay the same, and it saves most looks at the clock.
const EACH = 1_024;
const SHARE = 4;

/** How many requests took how long, by bucket. */
export type Durations = Uint32Array;

/** How long the recent requests of an endpoint took. Counting allocates nothing. Moments and durations are in ticks. */
export class Latency {
  /**
   * The present window, and the one before. `undefined` before the first request, because of thousands of endpoints
   * most have none.
   */
  #present: Durations | undefined = undefined;
  #last: Durations | undefined = undefined;
  #startedAt = 0;
  /** How many requests of the present window were counted. */
  #counted = 0;
  #draw = 1;

  /** For how many requests the next one counts, which was taken at `takenAt`; 0 if it isn't counted. */
  weightOfNext(takenAt: number): number {
    if (this.#counted < EACH || this.#age(takenAt) >= WINDOW) return 1;
    // The generator of Numerical Recipes. Its upper bits are the good ones.
    this.#draw = (Math.imul(this.#draw, 1_664_525) + 1_013_904_223) | 0;
    return this.#draw >>> 30 === 0 ? SHARE : 0;
  }

  count(duration: number, now: number, weight = 1): void {
    if (this.#present === undefined || this.#age(now) >= WINDOW) this.#begin(now);
    this.#counted++;
    this.#present![bucketOf(duration)]! += weight;
  }

  /** The durations of the last half minute, and of up to half a minute before; none if there were none. */
  recent(now: number): Durations | undefined {
    if (this.#present === undefined || this.#age(now) >= 2 * WINDOW) return undefined;
    return this.#age(now) < WINDOW ? sumOf([this.#present, this.#last!]) : this.#present.slice();
  }

  #age(now: number): number {
    return (now - this.#startedAt) >>> 0;
  }

  /** Begins a window. Reuses the memory of the window before the last. */
  #begin(now: number): void {
    const before = this.#last ?? new Uint32Array(BUCKETS);
    this.#last = this.#present ?? new Uint32Array(BUCKETS);
    if (this.#age(now) >= 2 * WINDOW) this.#last.fill(0);
    this.#present = before.fill(0);
    this.#startedAt = now;
    this.#counted = 0;
  }
}

export function sumOf(all: readonly Durations[]): Durations {
  const sum = new Uint32Array(BUCKETS);
  for (const durations of all)
    for (let bucket = 0; bucket < BUCKETS; bucket++) sum[bucket]! += durations[bucket]!;
  return sum;
}

/**
 * Within how many milliseconds a share of the requests ended, to about a tenth. Within a bucket, durations count as
 * spread evenly.
 */
export function quantile(durations: Durations, share: number): number {
  const total = durations.reduce((sum, count) => sum + count, 0);
  let left = share * total;
  let bucket = 0;
  while (bucket < BUCKETS - 1 && left > durations[bucket]!) left -= durations[bucket++]!;
  const start = startOf(bucket);
  const inside = durations[bucket] === 0 ? 0 : left / durations[bucket]!;
  return millisecondsOf(start + inside * (startOf(bucket + 1) - start));
}

function bucketOf(duration: number): number {
  if (duration < LINEAR) return Math.max(duration, 0);
  const ticks = Math.min(duration, LONGEST);
  const power = 31 - Math.clz32(ticks);
  return LINEAR + 4 * (power - FIRST_POWER) + ((ticks >> (power - 2)) & 3);
}

/** The shortest duration in a bucket. */
function startOf(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const quarters = bucket - LINEAR;
  return 2 ** (FIRST_POWER + (quarters >> 2)) * (1 + (quarters & 3) / 4);
}
