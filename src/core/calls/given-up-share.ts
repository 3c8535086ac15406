/** How many requests a period has: the share is that of this period and of the last one. */
const PERIOD = 1_000;

/** Which share of the recent requests of a service their callers gave up without an answer. */
export class GivenUpShare {
  /** How many requests had begun when this period began. */
  #start = 0;
  #count = 0;
  #lastLength = 0;
  #lastCount = 0;

  /** One more was given up. @param begun how many requests have begun, since the start */
  add(begun: number): void {
    const length = begun - this.#start;
    if (length >= PERIOD) {
      this.#start = begun;
      this.#lastLength = length;
      this.#lastCount = this.#count;
      this.#count = 0;
    }
    this.#count++;
  }

  /** The share without `some` that were given up, from 0 to 1. @param begun the same as in `add` */
  without(some: number, begun: number): number {
    const count = this.#count + this.#lastCount - some;
    return count <= 0 ? 0 : Math.min(1, count / (begun - this.#start + this.#lastLength));
  }
}
