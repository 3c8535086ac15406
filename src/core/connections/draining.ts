import type { Clock, Timer } from '../base/clock.ts';
import { DrainTimeoutError } from '../base/errors.ts';
import { Patience } from '../base/patience.ts';

/** How long a connection that takes no more requests goes on with those that it carries. */
export class Draining {
  #deadline: Timer | undefined = undefined;
  readonly #clock: Clock;
  /** Milliseconds; 0: as long as they take. */
  readonly #timeout: number;

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  begin(onTimeout: (error: Error) => void): void {
    if (this.#timeout === 0) return;
    this.#deadline = new Patience(
      this.#clock,
      () => onTimeout(new DrainTimeoutError(this.#timeout)),
      this.#timeout,
    );
  }

  stop(): void {
    this.#deadline?.cancel();
  }
}
