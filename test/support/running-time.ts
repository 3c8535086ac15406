/** Milliseconds between ticks, and how many of them one tick may count for: what is longer, the process did not run. */
const TICK = 10;
const MOST = 2 * TICK;

/** A clock that stands still while this process does, or waits for a processor: by it, a machine that is busy is not slow. */
export class RunningTime {
  #now = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK);

  now(): number {
    this.#tick();
    return this.#now;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#now += Math.min(MOST, now - this.#last);
    this.#last = now;
  }
}
