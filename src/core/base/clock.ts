import { outsideRequests } from './context.ts';

// Read when this module loads. Tests that fake timers (sinon, jest, node:test) replace the global functions, and those
// of the module too. With these, a request would wait until a test ticks.
export const { setImmediate, setInterval, clearInterval } = process.getBuiltinModule('node:timers');
export const { queueMicrotask } = globalThis;
const { setTimeout, clearTimeout } = process.getBuiltinModule('node:timers');
const { performance } = process.getBuiltinModule('node:perf_hooks');

/** Milliseconds since this process began. */
export const monotonicNow: () => number = performance.now.bind(performance);
/** Milliseconds since 1970. */
export const wallClock: () => number = Date.now;

/** A scheduled callback that can be cancelled. */
export interface Timer {
  cancel(): void;
  /** From now on, it keeps the process alive, or doesn't. The timers of a clock of the user's need not know how. */
  keepAlive?(alive: boolean): void;
}

/** The clock that evenkeel uses. undici always uses real time. */
export interface Clock {
  /** Milliseconds since some fixed moment. Never goes back. */
  now(): number;
  /**
   * Calls `callback` once, after `delay` milliseconds. A timer doesn't keep the process alive,
   * unless `ref` is true.
   */
  schedule(callback: () => void, delay: number, ref?: boolean): Timer;
  /**
   * Calls `callback` in the next turn of the event loop, after all that has arrived was read. If a clock has no `turn`,
   * Node's event loop is used, whatever `now` returns.
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

  keepAlive(alive: boolean): void {
    if (alive) this.#timeout.ref();
    else this.#timeout.unref();
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

/** Calls `callback` after all that has come in by now was read. A timer alone may fire before that. */
export function afterIncoming(clock: Clock, callback: () => void): void {
  // The first turn may come before Node looks at sockets, the second comes after.
  inNextTurn(clock, () => inNextTurn(clock, callback));
}

/** Resolves after one turn of the event loop. */
export function nextTurn(clock: Clock = systemClock): Promise<void> {
  return new Promise((resolve) => inNextTurn(clock, resolve));
}

/**
 * Calls `fn` with Node's own `setImmediate` if a test has faked it. undici calls `setImmediate` whenever it uses a
 * connection again, and would write the request only when the test ticks.
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
