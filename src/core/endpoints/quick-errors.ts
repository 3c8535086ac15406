import type { Endpoint } from './endpoint.ts';

interface Entry {
  readonly endpoint: Endpoint;
  /** The number of the request until which it counts. */
  readonly until: number;
  next: Entry | undefined;
}

/**
 * Lets requests that were answered with an error count as load for as long as a usual request takes. An endpoint that
 * has lost its database or its configuration answers at once, always looks idle, and would get most of the traffic.
 *
 * Time is counted in requests: while one request is under way, as many begin as are in flight (Little's law). So a
 * failing endpoint gets its share and no more. If all endpoints sometimes answer with errors, nothing changes.
 */
export class QuickErrors {
  #first: Entry | undefined;
  #last: Entry | undefined;

  /** A request that has ended counts as load until the request with the number `until` begins. */
  add(endpoint: Endpoint, until: number): void {
    const entry: Entry = { endpoint, until, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  /** The request with this number begins. */
  release(number: number): void {
    while (this.#first !== undefined && this.#first.until <= number) {
      const { endpoint, next } = this.#first;
      this.#first = next;
      if (next === undefined) this.#last = undefined;
      endpoint.unhold();
    }
  }
}
