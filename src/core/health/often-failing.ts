/** From this share of failed requests on, an endpoint fails often. */
const OFTEN = 0.5;
/** How many of the failing endpoints are looked at again each time. */
const LOOKS = 8;

/**
 * The endpoints that fail half of their requests or more. A rate rises by a failure, which `note` sees, and when older
 * requests are forgotten, after which `noteAll` looks at all. A rate falls without notice. So whenever the number is
 * asked for, endpoints are looked at again, the oldest first, until a few turn out to fail still. An endpoint that no
 * longer fails is dropped. Only a failure brings it back.
 */
export class OftenFailing<S> {
  readonly #rateOf: (endpoint: S) => number;
  readonly #found = new Set<S>();

  constructor(rateOf: (endpoint: S) => number) {
    this.#rateOf = rateOf;
  }

  /** How many other endpoints fail often. */
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

  /** The rate of an endpoint may have changed. */
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
