/**
 * How many requests may be given before one is served: as many as the longest run that ended well lately. This is TCP's
 * congestion window, in requests. It grows only when requests are served, at most to double each time (RFC 5681), and
 * shrinks if it isn't used (RFC 7661).
 */
export class RunWindow {
  readonly #memory: number;
  /** The longest run of the last answers, and of as many answers before. */
  #longest = 1;
  #before = 1;
  #answers = 0;

  /** @param memory of how many answers the longest run counts */
  constructor(memory: number) {
    this.#memory = memory;
  }

  get size(): number {
    return Math.max(this.#longest, this.#before);
  }

  /** A request was served after a run of so many requests that were given, or would have been. */
  confirm(requests: number): void {
    const run = Math.min(requests, 2 * this.size + 1);
    if (run > this.#longest) this.#longest = run;
    if (++this.#answers < this.#memory) return;
    this.#answers = 0;
    this.#before = this.#longest;
    this.#longest = 1;
  }
}
