import type { Clock, Timer } from '../../core/base/clock.ts';
import { keepAliveOf } from './keep-alive.ts';

/** How long a connection may idle. One timer serves many requests. */
export class IdleTime {
  /** The last `Keep-Alive` header of the server. */
  #hint: string | undefined = undefined;
  /** For how many milliseconds agents keep an idle connection; 0: they don't say. */
  #kept = 0;
  readonly #usual: number;
  #limit: number;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #since = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, limit: number, onOver: () => void) {
    this.#clock = clock;
    this.#usual = limit;
    this.#limit = limit;
    this.#onOver = onOver;
  }

  /**
   * A response has come. A server may say something else each time; one that ends soon says so.
   *
   * @param hint the header `Keep-Alive`
   * @param kept for how many milliseconds agents keep an idle connection; 0: they don't say
   * @param buffer by how many milliseconds the connection ends before the server would end it
   * @returns after how many milliseconds it ends
   */
  hear(hint: string | undefined, kept: number, buffer: number): number {
    if (hint === this.#hint && kept === this.#kept) return this.#limit;
    this.#hint = hint;
    this.#kept = kept;
    const limit = keepAliveOf(hint, this.#usual, kept, buffer);
    if (limit < this.#limit) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.#limit = limit;
    return limit;
  }

  begin(): void {
    this.#since = this.#clock.now();
    if (this.#limit <= 0) this.#onOver();
    else this.#timer ??= this.#clock.schedule(this.#look, this.#limit);
  }

  /** For how many milliseconds it has idled. */
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
