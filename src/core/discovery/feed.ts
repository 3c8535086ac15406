import type { Changes } from './changes.ts';

/** Reads an async iterable one value at a time, and can stop while a value is on its way. */
export class Feed<T> {
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<T>;
  readonly #arrivals: Changes;
  #state: 'idle' | 'asked' | 'over' = 'idle';
  #arrived: { value: T } | { error: unknown } | undefined;

  /** Asks for the first value. Counts an arrival when there is a value to take, or the end is reached. */
  constructor(start: (signal: AbortSignal) => AsyncIterable<T>, arrivals: Changes) {
    this.#iterator = start(this.#abort.signal)[Symbol.asyncIterator]();
    this.#arrivals = arrivals;
    this.#ask();
  }

  /** Whether the end is reached. */
  get over(): boolean {
    return this.#state === 'over';
  }

  /** Returns the value that has arrived, if there is one, and asks for the next. @throws what the iterable threw */
  take(): { value: T } | undefined {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived === undefined) this.#ask();
    else if ('error' in arrived) throw arrived.error;
    return arrived;
  }

  /** Leaves the iterable, and calls its `return`: an iterable that waits to be asked doesn't notice the abort. */
  stop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#arrived = undefined;
    this.#abort.abort();
    // Errors at its end concern nobody any more.
    this.#iterator.return?.().catch(() => {});
  }

  #ask(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'asked';
    this.#iterator.next().then(
      ({ done, value }) => this.#arrive(done ? undefined : { value }),
      (error: unknown) => this.#arrive({ error }),
    );
  }

  #arrive(arrived: { value: T } | { error: unknown } | undefined): void {
    if (this.#state === 'over') return;
    this.#state = arrived === undefined ? 'over' : 'idle';
    this.#arrived = arrived;
    this.#arrivals.add();
  }
}
