import { ApiError } from './api.ts';

interface Waiting {
  readonly kind: string;
  readonly news: AbortController;
}

/**
 * The watches of one client while the API fails: of those that fail alike one asks, the scout, and the others wait until
 * any watch is open again. So however many there are, the API hears of one, and all know as soon as that one does.
 */
export class Scouts<W extends object = object> {
  /** By what they are told. */
  readonly #scouts = new Map<string, W>();
  readonly #waiting = new Map<W, Waiting>();

  /**
   * A watch has asked in vain. Returns none if it is the one that asks again; else what aborts when there is a reason
   * to ask all the same: another watch is open, or the one that asked asks no more.
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

  /** A watch asks for itself only, or has ended. */
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
