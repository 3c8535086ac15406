import type { Clock, Timer } from '../../core/base/clock.ts';

/** How long a connection idles, with one timer for many requests. */
export class IdleTime {
  /** What the server has said last of how long it waits for a request. */
  hint: string | undefined = undefined;
  #limit: number;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #since = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, limit: number, onOver: () => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#onOver = onOver;
  }

  /** Milliseconds after which it is over. */
  set limit(limit: number) {
    if (limit < this.#limit) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.#limit = limit;
  }

  begin(): void {
    this.#since = this.#clock.now();
    if (this.#limit <= 0) this.#onOver();
    else this.#timer ??= this.#clock.schedule(this.#look, this.#limit);
  }

  /** Milliseconds that it has idled. */
  get duration(): number {
    return Math.max(0, this.#clock.now() - this.#since);
  }

  /** A request has come. */
  interrupt(): void {
    this.#since = Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.interrupt();
    this.#timer?.cancel();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const left = this.#since + this.#limit - this.#clock.now();
    if (left <= 0) this.#onOver();
    else if (left < Number.POSITIVE_INFINITY) this.#timer = this.#clock.schedule(this.#look, left);
  };
}
