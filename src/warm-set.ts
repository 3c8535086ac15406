import type { Endpoint } from './endpoint.ts';
import { hash } from './hash.ts';

/**
 * The endpoints that a service keeps connected: as many as its traffic can keep alive, chosen by
 * rendezvous hashing of this client and the endpoint, so that many small clients cover all endpoints
 * evenly.
 */
export class WarmSet {
  readonly #identity: string;
  /** In order of preference; the first `size` are warm. Those that had their time are behind those that hadn't. */
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
    const known = new Map(this.#ranked.map((ranked) => [ranked.endpoint, ranked]));
    const round = this.#ranked[0]?.round ?? 0;
    this.#ranked = Array.from(endpoints, (endpoint) => known.get(endpoint) ?? this.#draw(endpoint, round));
    this.#settle();
  }

  /** Moves an endpoint behind all that have not had their time yet. */
  demote(endpoint: Endpoint): void {
    const index = this.#ranked.findIndex((ranked) => ranked.endpoint === endpoint);
    if (index < 0) return;
    this.#ranked[index] = this.#draw(endpoint, this.#ranked[index]!.round + 1);
    this.#settle();
  }

  #settle(): void {
    this.#ranked.sort((a, b) => a.round - b.round || a.rank - b.rank);
    this.#size = Math.min(this.#size, this.#ranked.length);
    this.#ranked.forEach(({ endpoint }, index) => {
      endpoint.warm = index < this.#size;
    });
  }

  #draw(endpoint: Endpoint, round: number): Ranked {
    return { endpoint, round, rank: hash(`${this.#identity} ${endpoint.key} ${round}`) };
  }
}

interface Ranked {
  readonly endpoint: Endpoint;
  /** How often it has had its time. */
  readonly round: number;
  readonly rank: number;
}
