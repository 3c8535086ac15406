import type { Clock, Timer } from '../../base/clock.ts';
import { EvenkeelError } from '../../base/errors.ts';

/** The Kubernetes API took too long, or sent nothing on an open stream. */
export class SilenceError extends EvenkeelError {
  override name = 'SilenceError';

  constructor(delay: number) {
    const seconds = Math.round(delay / 1_000);
    super('EVENKEEL_KUBERNETES_SILENT', `nothing was heard of the Kubernetes API for ${seconds} s`);
  }
}

/** Aborts if too much time passes between two signs of life, or if `parent` aborts. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #parent: AbortSignal;
  readonly #follow = () => this.#controller.abort(this.#parent.reason);
  #timer: Timer | undefined;

  constructor(clock: Clock, parent: AbortSignal) {
    this.#clock = clock;
    this.#parent = parent;
    if (parent.aborted) this.#follow();
    else parent.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Moves the end to `delay` milliseconds from now. */
  extend(delay: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(() => {
      this.#controller.abort(new SilenceError(delay));
    }, delay);
  }

  /** Call this at the end. */
  clear(): void {
    this.#timer?.cancel();
    this.#parent.removeEventListener('abort', this.#follow);
  }
}
