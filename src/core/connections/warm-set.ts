import { hash } from '../base/hash.ts';
import { COLD } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';

/** Up to this many changes, each endpoint is inserted alone. With more, all are sorted. */
const FEW = 64;

/**
 * The endpoints that a service keeps connected: as many as its traffic keeps alive. Rendezvous hashing of this client
 * and the endpoint chooses them, so that many small clients together cover all endpoints evenly.
 */
export class WarmSet {
  readonly #identity: string;
  /** In order of preference; the first `size` are warm. Endpoints that had their turn are behind those that had not. */
  #ranked: Pod[] = [];
  #size = 0;
  readonly #densityOf: ((endpoint: Pod) => number) | undefined;

  /**
   * With `densityOf`, an endpoint is in the first tier with the probability that this returns, and behind all of that
   * tier otherwise. 1: it is always in the first tier.
   */
  constructor(identity: string, densityOf?: (endpoint: Pod) => number) {
    this.#identity = identity;
    this.#densityOf = densityOf;
  }

  get size(): number {
    return this.#size;
  }

  /** How many endpoints are cold. */
  get cold(): number {
    return this.#ranked.length - this.#size;
  }

  /** The warm endpoints. */
  get warm(): readonly Pod[] {
    return this.#ranked.slice(0, this.#size);
  }

  /** Warms one more endpoint, if there is one. */
  grow(): Pod | undefined {
    const next = this.#ranked[this.#size];
    if (next === undefined) return undefined;
    this.#size++;
    next.lift(COLD);
    return next;
  }

  /** Cools the endpoint that is preferred least, unless it is the last. */
  shrink(): Pod | undefined {
    if (this.#size <= 1) return undefined;
    const last = this.#ranked[--this.#size]!;
    last.bar(COLD);
    return last;
  }

  /**
   * Adds and removes endpoints. As many stay warm as before, if there are enough. Returns which of the present ones
   * have become warm or cold.
   */
  replace(fresh: readonly Pod[], gone: readonly Pod[] = []): Pod[] {
    const round = this.#ranked[0]?.round ?? 0;
    for (const endpoint of fresh) this.#draw(endpoint, round);
    const { warm } = this;
    if (fresh.length + gone.length <= FEW && this.#densityOf === undefined) {
      for (const endpoint of gone) this.#remove(endpoint);
      for (const endpoint of fresh) this.#insert(endpoint);
    } else {
      const left = new Set(gone);
      this.#ranked = [...this.#ranked.filter((endpoint) => !left.has(endpoint)), ...fresh];
      this.#sort();
    }
    for (const endpoint of gone) endpoint.bar(COLD);
    this.#size = Math.min(this.#size, this.#ranked.length);
    return this.#adjust(warm);
  }

  /** Asks for all densities again. Returns which endpoints have become warm or cold. */
  sort(): Pod[] {
    const { warm } = this;
    this.#sort();
    return this.#adjust(warm);
  }

  #sort(): void {
    const densityOf = this.#densityOf;
    if (densityOf !== undefined) {
      for (const endpoint of this.#ranked) {
        endpoint.tier = hash(`${endpoint.key} ${this.#identity}`) < densityOf(endpoint) * 2 ** 32 ? 0 : 1;
      }
    }
    this.#ranked.sort(compare);
  }

  /** Notes whether connections to an endpoint last. If they don't, other endpoints are preferred. */
  setFleeting(endpoint: Pod, fleeting: boolean): Pod[] {
    if (fleeting === endpoint.fleeting) return [];
    const { warm } = this;
    const known = this.#remove(endpoint);
    endpoint.setFleeting(fleeting);
    if (!known) return [];
    this.#insert(endpoint);
    return this.#adjust(warm);
  }

  /** Moves an endpoint behind all that have not had their turn. Returns which have become warm or cold. */
  demote(endpoint: Pod): Pod[] {
    const { warm } = this;
    if (!this.#remove(endpoint)) return [];
    this.#draw(endpoint, endpoint.round + 1);
    this.#insert(endpoint);
    return this.#adjust(warm);
  }

  /** Makes the first `size` endpoints warm, and all others cold. */
  #adjust(before: readonly Pod[]): Pod[] {
    const last = this.#ranked[this.#size - 1];
    const cooled = before.filter(
      (endpoint) => endpoint.warm && (last === undefined || compare(endpoint, last) > 0),
    );
    for (const endpoint of cooled) endpoint.bar(COLD);
    const warmed = this.warm.filter((endpoint) => !endpoint.warm);
    for (const endpoint of warmed) endpoint.lift(COLD);
    return [...warmed, ...cooled];
  }

  #draw(endpoint: Pod, round: number): void {
    endpoint.round = round;
    // As a signed integer, which needs no heap object.
    endpoint.rank = hash(`${this.#identity} ${endpoint.key} ${round}`) | 0;
  }

  #insert(endpoint: Pod): void {
    this.#ranked.splice(this.#indexOf(endpoint), 0, endpoint);
  }

  /** Returns false if the endpoint isn't there. */
  #remove(endpoint: Pod): boolean {
    const index = this.#indexOf(endpoint);
    if (this.#ranked[index] !== endpoint) return false;
    this.#ranked.splice(index, 1);
    return true;
  }

  /** The index that an endpoint has, or should have. */
  #indexOf(endpoint: Pod): number {
    let low = 0;
    let high = this.#ranked.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#ranked[middle]!, endpoint) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** 0 only for the same endpoint, or one that has taken its place. */
function compare(a: Pod, b: Pod): number {
  return (
    a.tier - b.tier ||
    Number(a.fleeting) - Number(b.fleeting) ||
    a.round - b.round ||
    a.rank - b.rank ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  );
}
