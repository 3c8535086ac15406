const TICK = 50;

/**
 * What a promise brings, or `late` after so many milliseconds in which this process ran: what another process takes, or
 * a long turn of the loop, is nobody's delay.
 */
export async function within<T>(timeout: number, promise: Promise<T>, late: T): Promise<T> {
  let ticks = Math.ceil(timeout / TICK);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<T>((resolve) => {
    timer = setInterval(() => {
      if (--ticks <= 0) resolve(late);
    }, TICK);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearInterval(timer);
  }
}

/** Milliseconds in which this process ran, for all that can be told: turns of the loop that were late count as short ones. */
export class RunningTime {
  #ticks = 0;
  #last = performance.now();
  /** By how many milliseconds a turn was late, at the worst. */
  worst = 0;
  readonly #timer = setInterval(() => {
    this.#ticks++;
    const now = performance.now();
    this.worst = Math.max(this.worst, now - this.#last - TICK);
    this.#last = now;
  }, TICK);

  get elapsed(): number {
    return this.#ticks * TICK;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
