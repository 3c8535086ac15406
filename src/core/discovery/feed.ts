import type { Changes } from './changes.ts';

/** An async iterable that is asked for one value at a time, and can be left while that is under way. */
export class Feed<T> {
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<T>;
  readonly #arrivals: Changes;
  #state: 'idle' | 'asked' | 'over' = 'idle';
  #arrived: { value: T } | { error: unknown } | undefined;

  /** Asks for the first value. Counts an arrival when there's something to take, or no more to come. */
  constructor(start: (signal: AbortSignal) => AsyncIterable<T>, arrivals: Changes) {
    this.#iterator = start(this.#abort.signal)[Symbol.asyncIterator]();
    this.#arrivals = arrivals;
    this.#ask();
  }

  /** Whether there is no more to come. */
  get over(): boolean {
    return this.#state === 'over';
  }

  /** The value that has arrived, if one has; asks for the next if none has. Throws what the iterable threw. */
  take(): { value: T } | undefined {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived === undefined) this.#ask();
    else if ('error' in arrived) throw arrived.error;
    return arrived;
  }

  /** Lets go of the iterable, and has it let go of what it holds: one that waits to be asked hears of no abort. */
  stop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#arrived = undefined;
    this.#abort.abort();
    // What it has to say about its end concerns nobody any more.
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
