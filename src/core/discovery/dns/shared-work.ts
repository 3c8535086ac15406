import { unlessAborted } from './abortable.ts';

/** Work for which several callers wait. It is cancelled when the last of them has left. */
export class SharedWork<T> {
  readonly #abort = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#abort.signal);
  }

  /** Whether nobody waits any more. Then nobody can join. */
  get cancelled(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Waits for the result; `undefined` as soon as `signal` aborts. */
  async join(signal: AbortSignal): Promise<T | undefined> {
    this.#waiting++;
    try {
      return await unlessAborted(this.#result, signal);
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#abort.abort();
    }
  }
}
