/** The share of its requests from which an endpoint fails them as a rule. */
const OFTEN = 0.5;
/** How many of those that fail are looked at each time. */
const LOOKS = 8;

/**
 * The endpoints that fail half of their requests or more. A rate rises by failures, which are noted here, and when
 * older requests are forgotten, after which all are looked at. It falls unseen: so each time that their number is asked
 * for they are looked at again, the longest ago first, until a few are found to fail still. One that doesn't is
 * left out, which it takes a failure to undo.
 */
export class OftenFailing<S> {
  readonly #rateOf: (endpoint: S) => number;
  readonly #found = new Set<S>();

  constructor(rateOf: (endpoint: S) => number) {
    this.#rateOf = rateOf;
  }

  /** How many others there are. */
  besides(endpoint: S): number {
    const found = this.#found;
    let left = Math.min(LOOKS, found.size);
    for (const other of found) {
      if (left === 0) break;
      found.delete(other);
      this.note(other);
      if (found.has(other)) left--;
    }
    return found.size - Number(found.has(endpoint));
  }

  /** The rate of an endpoint is another one. */
  note(endpoint: S): void {
    if (this.#rateOf(endpoint) >= OFTEN) this.#found.add(endpoint);
    else this.#found.delete(endpoint);
  }

  noteAll(endpoints: Iterable<S>): void {
    this.#found.clear();
    for (const endpoint of endpoints) this.note(endpoint);
  }

  forget(endpoint: S): void {
    this.#found.delete(endpoint);
  }
}
