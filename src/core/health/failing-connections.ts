import type { Clock } from '../base/clock.ts';

/** Milliseconds from one connection of an endpoint that is given up to the next, at first and at the longest. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/**
 * The connections to a virtual IP that fail one request after the other. Which pod is behind one isn't
 * known, so that nothing can be ejected; the connection is given up, for the next may lead to another pod.
 */
export class FailingConnections {
  readonly #threshold: number;
  readonly #clock: Clock;
  /** Failures in a row, by connection. */
  readonly #failures = new Map<object, number>();
  /** When each endpoint last gave one up, and how long it must wait for the next. */
  readonly #given = new WeakMap<object, { at: number; delay: number }>();

  constructor(threshold: number, clock: Clock) {
    this.#threshold = threshold;
    this.#clock = clock;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** A connection has served a request, or is gone. */
  forget(connection: object): void {
    this.#failures.delete(connection);
  }

  /** A request has failed on a connection of an endpoint. Whether to give the connection up. */
  failed(endpoint: object, connection: object): boolean {
    const failures = (this.#failures.get(connection) ?? 0) + 1;
    this.#failures.set(connection, failures);
    return failures >= this.#threshold && this.#mayGiveUp(endpoint);
  }

  /** Rarely, and ever more so where that doesn't help: all pods may fail. */
  #mayGiveUp(endpoint: object): boolean {
    const now = this.#clock.now();
    const last = this.#given.get(endpoint);
    const elapsed = last === undefined ? Number.POSITIVE_INFINITY : now - last.at;
    const delay = last?.delay ?? 0;
    if (elapsed < delay) return false;
    const next = elapsed < 2 * delay ? Math.min(2 * delay, LONGEST_DELAY) : FIRST_DELAY;
    this.#given.set(endpoint, { at: now, delay: next });
    return true;
  }
}
