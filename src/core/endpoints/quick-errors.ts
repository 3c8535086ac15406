import type { Endpoint } from './endpoint.ts';

interface Entry {
  readonly endpoint: Endpoint;
  /** The number of the request with which it ends. */
  readonly until: number;
  next: Entry | undefined;
}

/**
 * Keeps requests that were answered with an error counted as load for as long as a request takes. An endpoint that has
 * lost its database, or its configuration, answers at once, has nothing to do, and would get most of the traffic.
 *
 * Time is counted in requests: as many begin while one is under way as are under way (Little's law). So an
 * endpoint gets its share, and no more; and where all answer with errors now and then, that changes nothing.
 */
export class QuickErrors {
  #first: Entry | undefined;
  #last: Entry | undefined;

  /** One that has ended counts until the request of that number begins. */
  add(endpoint: Endpoint, until: number): void {
    const entry: Entry = { endpoint, until, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  /** The request of that number begins. */
  release(number: number): void {
    while (this.#first !== undefined && this.#first.until <= number) {
      const { endpoint, next } = this.#first;
      this.#first = next;
      if (next === undefined) this.#last = undefined;
      endpoint.unhold();
    }
  }
}
