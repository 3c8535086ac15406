import type { Clock } from '../../base/clock.ts';
import { ApiError } from './api.ts';
import { COMING_BACK } from './coming-back.ts';

const OUT_OF_TOUCH_AFTER = 600_000;

/** How well the API answers one kind of request that is sent again and again. */
export class Contact {
  readonly #clock: Clock;
  #error: Error | undefined;
  /** How many requests failed in a row. */
  #count = 0;
  #failingSince = 0;
  #refusedSince: number | undefined;
  #wasMade = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why the last request failed; none if it didn't. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** The error, if more than one request failed. One failure is normal. */
  get lasting(): Error | undefined {
    return this.#count > 1 ? this.#error : undefined;
  }

  /** Whether there is no right: there never was, or it was taken away for longer than an outage lasts. */
  get refused(): boolean {
    if (this.#refusedSince === undefined) return false;
    return !this.#wasMade || this.#clock.now() - this.#refusedSince >= COMING_BACK;
  }

  /** Whether what was known is too old to rely on. */
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

  /** A list succeeded. That proves everything but the right to watch. Returns whether this is news. */
  list(): boolean {
    if (this.#error === undefined || this.#refusedSince !== undefined) return false;
    this.#error = undefined;
    this.#count = 0;
    return true;
  }

  /** A request succeeded. Returns whether this is news. */
  succeed(): boolean {
    const isNews = this.#error !== undefined;
    this.#wasMade = true;
    this.#error = undefined;
    this.#count = 0;
    this.#refusedSince = undefined;
    return isNews;
  }
}
