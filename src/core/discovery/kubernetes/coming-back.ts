import type { Clock } from '../../base/clock.ts';
import { ApiError } from './api.ts';

/**
 * For so many milliseconds, a server that refuses what it allowed before may have just started: it refuses everything
 * until it has read the roles (https://github.com/kubernetes/kubernetes/issues/121635).
 */
export const COMING_BACK = 60_000;

/** Knows of one kind of request whether a server that refuses it may have just started. */
export class ComingBack {
  readonly #clock: Clock;
  #wasAllowed = false;
  /** Since when the server has answered with refusals only, on the clock. */
  #refusingSince: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the server has ever allowed it. */
  get wasAllowed(): boolean {
    return this.#wasAllowed;
  }

  allowed(): void {
    this.#wasAllowed = true;
    this.#refusingSince = undefined;
  }

  failed(error: unknown): void {
    if (error instanceof ApiError) this.#refusingSince ??= this.#clock.now();
    else this.#refusingSince = undefined;
  }

  /** Whether the server refuses what it gave before, but not for long yet. A server that is overloaded is left alone. */
  explains(error: unknown): error is ApiError {
    if (!this.#wasAllowed || !(error instanceof ApiError) || error.status === 429) return false;
    return this.#clock.now() - this.#refusingSince! < COMING_BACK;
  }
}
