import { parseDuration } from '../../src/config/duration.ts';
import type { Clock, Timer } from '../../src/core/base/clock.ts';

interface Entry {
  at: number;
  callback: () => void;
}

/** A clock that stands still until it is told to advance. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #entries = new Set<Entry>();

  now(): number {
    return this.#now;
  }

  schedule(callback: () => void, delay: number): Timer {
    const entry = { at: this.#now + Math.max(0, delay), callback };
    this.#entries.add(entry);
    return { cancel: () => this.#entries.delete(entry) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Moves time on, calling what falls due in order, what those calls schedule included. */
  advance(duration: number | string): void {
    const end = this.#now + parseDuration(duration);
    for (let next = this.#nextBefore(end); next; next = this.#nextBefore(end)) {
      this.#entries.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** The same, step by step: the event loop turns between callbacks, so that what follows from each follows at its time. */
  async run(duration: number | string): Promise<void> {
    const end = this.#now + parseDuration(duration);
    for (;;) {
      await turns();
      const next = this.#nextBefore(end);
      if (next === undefined) break;
      this.#entries.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Moves time on as while a process is stopped: what falls due is called by the next `advance`. */
  jump(duration: number | string): void {
    this.#now += parseDuration(duration);
  }

  #nextBefore(end: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.at <= end && (first === undefined || entry.at < first.at)) first = entry;
    }
    return first;
  }
}

/** Two turns of the event loop: so many takes what waits until incoming bytes have been read. */
function turns(): Promise<void> {
  // Of one promise, for node:test keeps a record of each.
  return new Promise((resolve) => setImmediate(setImmediate, resolve));
}
