import type { Clock } from '../../base/clock.ts';
import { ApiError } from './api.ts';

/**
 * For so long, a refusal of what was allowed before counts as an outage: an API server that was started anew refuses
 * everything until it has read who may do what (https://github.com/kubernetes/kubernetes/issues/121635).
 */
const PASSING = 60_000;
const OUT_OF_TOUCH_AFTER = 600_000;

/** How it stands with something that the API is asked for over and over. */
export class Contact {
  readonly #clock: Clock;
  #error: Error | undefined;
  /** Failures in a row. */
  #count = 0;
  #failingSince = 0;
  #refusedSince: number | undefined;
  #wasMade = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why it failed the last time; none when it didn't. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** One failure is everyday life. */
  get lasting(): Error | undefined {
    return this.#count > 1 ? this.#error : undefined;
  }

  /** It may not be had: it never could, or it was taken away and that did not pass. */
  get refused(): boolean {
    if (this.#refusedSince === undefined) return false;
    return !this.#wasMade || this.#clock.now() - this.#refusedSince >= PASSING;
  }

  /** What was known of it is not to be relied on any more. */
  get lost(): boolean {
    return this.refused || this.failsFor(OUT_OF_TOUCH_AFTER);
  }

  failsFor(time: number): boolean {
    return this.#error !== undefined && this.#clock.now() - this.#failingSince >= time;
  }

  fail(error: Error): void {
    const now = this.#clock.now();
    if (this.#error === undefined) this.#failingSince = now;
    this.#error = error;
    this.#count += 1;
    if (!(error instanceof ApiError && error.refused)) this.#refusedSince = undefined;
    else this.#refusedSince ??= now;
  }

  /** It was listed, which is proof of everything but the right to watch it. Returns whether that is news. */
  list(): boolean {
    if (this.#error === undefined || this.#refusedSince !== undefined) return false;
    this.#error = undefined;
    this.#count = 0;
    return true;
  }

  /** Returns whether that is news. */
  succeed(): boolean {
    const isNews = this.#error !== undefined;
    this.#wasMade = true;
    this.#error = undefined;
    this.#count = 0;
    this.#refusedSince = undefined;
    return isNews;
  }
}
