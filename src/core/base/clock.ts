import { outsideRequests } from './context.ts';

// Taken when this module loads. Tests that fake timers (sinon's, jest's, those of node:test) replace the global
// ones, and those of the module with them; a request that waited for these would wait for a test to tick.
export const { setImmediate, setInterval, clearInterval } = process.getBuiltinModule('node:timers');
export const { queueMicrotask } = globalThis;
const { setTimeout, clearTimeout } = process.getBuiltinModule('node:timers');
const { performance } = process.getBuiltinModule('node:perf_hooks');

/** Milliseconds since this process began. */
export const monotonicNow: () => number = performance.now.bind(performance);
/** Milliseconds since 1970. */
export const wallClock: () => number = Date.now;

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
  /**
   * Calls `callback` in the next turn of the event loop, after what has arrived by then was read. Left out, it is
   * Node's loop that turns, be `now` what it may.
   */
  turn?(callback: () => void): void;
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
  now: monotonicNow,
  schedule(callback, delay, ref = false) {
    const timeout = outsideRequests(() => setTimeout(callback, Math.min(delay, LONGEST_DELAY)));
    if (!ref) timeout.unref();
    return new SystemTimer(timeout);
  },
};

/** Calls `callback` in the next turn of the event loop. */
export function inNextTurn(clock: Clock, callback: () => void): void {
  if (clock.turn === undefined) setImmediate(callback);
  else clock.turn(callback);
}

/** Calls `callback` once all that has come in by now has been read: time alone may be late news. */
export function afterIncoming(clock: Clock, callback: () => void): void {
  // The first may come before sockets are looked at, the second comes after.
  inNextTurn(clock, () => inNextTurn(clock, callback));
}

/** Resolves after one turn of the event loop. */
export function nextTurn(clock: Clock = systemClock): Promise<void> {
  return new Promise((resolve) => inNextTurn(clock, resolve));
}

/**
 * Calls `fn` with Node's own `setImmediate` in place of one that a test has faked. undici looks it up whenever
 * it uses a connection again, and would write the request when the test ticks.
 */
export function withOwnImmediate<T>(fn: () => T): T {
  const faked = globalThis.setImmediate;
  globalThis.setImmediate = setImmediate;
  try {
    return fn();
  } finally {
    globalThis.setImmediate = faked;
  }
}
