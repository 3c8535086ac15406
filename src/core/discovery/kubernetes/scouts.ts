import { ApiError } from './api.ts';

interface Waiting {
  readonly kind: string;
  readonly news: AbortController;
}

/**
 * The watches of one client while the API fails. Of the watches that fail for the same reason, one asks again: the
 * scout. The others wait until any watch is open again. So the API hears from one watch only, and all know as soon as
 * that one does.
 */
export class Scouts<W extends object = object> {
  /** The scout for each kind of failure. */
  readonly #scouts = new Map<string, W>();
  readonly #waiting = new Map<W, Waiting>();

  /**
   * A watch has failed. Returns `undefined` if this watch is the scout. Otherwise, returns a signal that aborts when
   * the watch should ask: another watch is open, or the scout asks no more.
   */
  send(watch: W, error: unknown): AbortSignal | undefined {
    const kind = error instanceof ApiError ? `${error.status}` : 'no answer';
    const scout = this.#scouts.get(kind);
    if (scout === watch) return undefined;
    this.dismiss(watch);
    if (scout === undefined) {
      this.#scouts.set(kind, watch);
      return undefined;
    }
    const news = new AbortController();
    this.#waiting.set(watch, { kind, news });
    return news.signal;
  }

  /** A watch is open. */
  opened(watch: W): void {
    this.#waiting.delete(watch);
    for (const other of [...this.#waiting.keys()]) this.#tell(other);
    this.dismiss(watch);
  }

  /** A watch asks only for itself now, or has ended. */
  dismiss(watch: W): void {
    this.#waiting.delete(watch);
    for (const [kind, scout] of this.#scouts) {
      if (scout !== watch) continue;
      this.#scouts.delete(kind);
      const next = [...this.#waiting].find(([, waiting]) => waiting.kind === kind);
      if (next !== undefined) this.#tell(next[0]);
    }
  }

  #tell(watch: W): void {
    this.#waiting.get(watch)?.news.abort();
    this.#waiting.delete(watch);
  }
}
