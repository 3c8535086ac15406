import { ApiError } from './api.ts';

interface Waiting {
  kind: string;
  readonly news: AbortController;
}

/**
 * The watches of one client while the API fails. Of the watches that fail for the same reason, one asks again: the
 * scout. The others wait until any watch is open again. So the API hears from one watch only, and all know as soon as
 * that one does.
 *
 * If a server can't be reached, or fails (5xx), that concerns all watches. A refusal is about what was asked for, so each
 * watch asks once for itself before it waits for another one that is refused too.
 */
export class Scouts<W extends object = object> {
  /** The scout for each kind of failure. */
  readonly #scouts = new Map<string, W>();
  readonly #waiting = new Map<W, Waiting>();

  /**
   * A watch has failed or broken. Returns `undefined` if this watch is the scout. Otherwise, returns a signal that
   * aborts when the watch should ask: another watch is open, or the scout asks no more.
   */
  send(watch: W, error: unknown): AbortSignal | undefined {
    const kind = error instanceof ApiError ? `${error.status}` : 'no answer';
    const scout = this.#scouts.get(kind);
    if (scout === watch) return undefined;
    if (error instanceof ApiError && error.refused) this.#tellThoseOf(watch);
    else this.#take(watch, kind);
    this.#waiting.delete(watch);
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
    const kind = this.#resign(watch);
    const next = [...this.#waiting].find(([, waiting]) => waiting.kind === kind);
    if (next !== undefined) this.#tell(next[0]);
  }

  /** Returns what the watch was the scout of, if it was, and is no longer. */
  #resign(watch: W): string | undefined {
    for (const [kind, scout] of this.#scouts) {
      if (scout !== watch) continue;
      this.#scouts.delete(kind);
      return kind;
    }
    return undefined;
  }

  /** Those that wait for the watch wait for whoever asks after failures of that kind. */
  #take(watch: W, kind: string): void {
    const before = this.#resign(watch);
    if (before === undefined) return;
    for (const waiting of this.#waiting.values()) if (waiting.kind === before) waiting.kind = kind;
  }

  #tellThoseOf(watch: W): void {
    const kind = this.#resign(watch);
    if (kind === undefined) return;
    for (const [other, waiting] of [...this.#waiting]) if (waiting.kind === kind) this.#tell(other);
  }

  #tell(watch: W): void {
    this.#waiting.get(watch)?.news.abort();
    this.#waiting.delete(watch);
  }
}
