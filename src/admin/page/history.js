// What happened to a pod, or to a service, moment by moment, as far back as the charts go.

/** Moments that are kept: three minutes, at one a second. */
const MOMENTS = 180;

/** Values of the last moments, the newest last; `NaN` where there was none. */
export class Series {
  #values = new Float64Array(MOMENTS).fill(Number.NaN);
  #next = 0;
  /** Moments that there are, with a value or without. */
  length = 0;

  /** @param {number | null | undefined} value */
  add(value) {
    this.#values[this.#next] = value ?? Number.NaN;
    this.#next = (this.#next + 1) % MOMENTS;
    this.length = Math.min(MOMENTS, this.length + 1);
  }

  /** @param {number} back 0: the newest */
  at(back) {
    return /** @type {number} */ (this.#values[(this.#next - 1 - back + 2 * MOMENTS) % MOMENTS]);
  }

  /** The mean of the last moments, of those that have a value; `undefined` if none has. */
  mean(moments = 5) {
    let sum = 0;
    let known = 0;
    for (let back = 0; back < moments; back++) {
      const value = this.at(back);
      if (Number.isNaN(value)) continue;
      sum += value;
      known++;
    }
    return known === 0 ? undefined : sum / known;
  }
}

/** Milliseconds between moments, below which a rate would be mostly chance. */
const SHORTEST = 700;

/** Rates of a counter, one for each moment. */
export class Rates extends Series {
  #count = Number.NaN;

  /**
   * @param {number} count
   * @param {number} seconds since the last moment
   */
  count(count, seconds) {
    const more = count - this.#count;
    this.add(more >= 0 ? more / seconds : Number.NaN);
    this.#count = count;
  }
}

/** Says which moments are far enough apart for rates. */
export class Pace {
  #last = 0;

  /**
   * @param {number} at
   * @returns seconds since the last one that counted, or `undefined` if it is too early for another
   */
  next(at) {
    const passed = at - this.#last;
    if (passed < SHORTEST) return undefined;
    this.#last = at;
    return passed / 1_000;
  }
}
