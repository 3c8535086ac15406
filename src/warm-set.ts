import type { Endpoint } from './endpoint.ts';

/**
 * The endpoints that a service keeps connected: as many as its traffic can keep alive, chosen by
 * rendezvous hashing of this client and the endpoint, so that many small clients cover all endpoints
 * evenly.
 */
export class WarmSet {
  readonly #identity: string;
  /** In order of preference; the first `size` are warm. */
  #ranked: Ranked[] = [];
  #size = 0;

  constructor(identity: string) {
    this.#identity = identity;
  }

  get size(): number {
    return this.#size;
  }

  /** How many endpoints are not warm. */
  get cold(): number {
    return this.#ranked.length - this.#size;
  }

  /** Warms one more endpoint, if there is one. */
  grow(): Endpoint | undefined {
    const next = this.#ranked[this.#size];
    if (next === undefined) return undefined;
    this.#size++;
    next.endpoint.warm = true;
    return next.endpoint;
  }

  /** Cools the least preferred one, unless it is the last. */
  shrink(): Endpoint | undefined {
    if (this.#size <= 1) return undefined;
    const { endpoint } = this.#ranked[--this.#size]!;
    endpoint.warm = false;
    return endpoint;
  }

  /** Takes another set of endpoints. As many are warm as were, if there are as many. */
  replace(endpoints: Iterable<Endpoint>): void {
    this.#ranked = Array.from(endpoints, (endpoint) => ({ endpoint, rank: this.#rank(endpoint) }));
    this.#settle();
  }

  /** Moves an endpoint to a new place in the order; returns those that have become warm or cold by that. */
  demote(endpoint: Endpoint): void {
    const entry = this.#ranked.find((ranked) => ranked.endpoint === endpoint);
    if (entry === undefined) return;
    endpoint.generation++;
    entry.rank = this.#rank(endpoint);
    this.#settle();
  }

  #settle(): void {
    this.#ranked.sort((a, b) => a.rank - b.rank);
    this.#size = Math.min(this.#size, this.#ranked.length);
    this.#ranked.forEach(({ endpoint }, index) => {
      endpoint.warm = index < this.#size;
    });
  }

  #rank(endpoint: Endpoint): number {
    return hash(`${this.#identity} ${endpoint.key} ${endpoint.generation}`);
  }
}

interface Ranked {
  endpoint: Endpoint;
  rank: number;
}

/** FNV-1a, with MurmurHash3's finalizer: FNV alone leaves names that end alike near each other. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
