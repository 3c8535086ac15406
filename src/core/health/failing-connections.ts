import type { Clock } from '../base/clock.ts';

/** Milliseconds from one failing connection of an endpoint that is closed to the next: at first, and at most. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/**
 * Finds connections to a virtual IP that fail one request after another. evenkeel doesn't know which pod is behind such
 * a connection, so it can't eject the pod. It closes the connection instead, because the next one may lead to another
 * pod.
 */
export class FailingConnections {
  readonly #threshold: number;
  readonly #clock: Clock;
  /** How many requests failed in a row, by connection. */
  readonly #failures = new Map<object, number>();
  /** When each endpoint last closed a failing connection, and how long it waits before the next. */
  readonly #given = new WeakMap<object, { at: number; delay: number }>();

  constructor(threshold: number, clock: Clock) {
    this.#threshold = threshold;
    this.#clock = clock;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** A connection has served a request, or has closed. */
  forget(connection: object): void {
    this.#failures.delete(connection);
  }

  /** A request has failed on a connection of an endpoint. Returns whether to close the connection. */
  failed(endpoint: object, connection: object): boolean {
    const failures = (this.#failures.get(connection) ?? 0) + 1;
    this.#failures.set(connection, failures);
    return failures >= this.#threshold && this.#mayGiveUp(endpoint);
  }

  /** Seldom, and more and more seldom while it doesn't help: perhaps all pods fail. */
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
