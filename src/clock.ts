import { outsideRequests } from './context.ts';

/** A callback that has been scheduled and can be taken back. */
export interface Timer {
  cancel(): void;
}

/** Time, as evenkeel sees it. undici keeps real time of its own. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Calls `callback` once, after `delay` milliseconds. A timer doesn't keep the process alive,
   * unless `ref` is true.
   */
  schedule(callback: () => void, delay: number, ref?: boolean): Timer;
}

class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(timeout: NodeJS.Timeout) {
    this.#timeout = timeout;
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

// Node fires a timer with a longer delay at once.
const LONGEST_DELAY = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(callback, delay, ref = false) {
    const timeout = outsideRequests(() => setTimeout(callback, Math.min(delay, LONGEST_DELAY)));
    if (!ref) timeout.unref();
    return new SystemTimer(timeout);
  },
};

/** Calls `callback` once all that has come in by now has been read: time alone may be late news. */
export function afterIncoming(callback: () => void): void {
  // The first may come before sockets are looked at, the second comes after.
  setImmediate(() => setImmediate(callback));
}
