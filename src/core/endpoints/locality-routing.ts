import type { Locality, Place } from '../balancing/locality.ts';
import { queueMicrotask } from '../base/clock.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';
import { place } from './pickers.ts';
import { baseWeight } from './weights.ts';

/** What locality routing tells the pool. */
export interface LocalityRoutingOwner {
  /** Something changed that decides whether the endpoint may be picked. */
  place(endpoint: Endpoint): void;
  /** Other shares of the requests go to the levels than before. */
  onSharesChanged(): void;
}

/**
 * Keeps what locality knows of the endpoints up to date: how near each of them is, and which can be used, for
 * those that can't be take nothing off the others.
 */
export class LocalityRouting {
  readonly #owner: LocalityRoutingOwner;
  readonly #locality: Locality;
  readonly #set: EndpointSet;
  /** Endpoints that can't serve now, be they used or not. */
  readonly #unusable = new Set<Endpoint>();
  #weighing = false;

  constructor(owner: LocalityRoutingOwner, locality: Locality, set: EndpointSet) {
    this.#owner = owner;
    this.#locality = locality;
    this.#set = set;
  }

  /** The set has changed: says of each endpoint how near it is. */
  locate(gone: readonly Endpoint[], here: Place | undefined): void {
    const endpoints = [...this.#set.current.values()];
    this.#locality.update(
      endpoints.map(({ info }) => info),
      here,
    );
    for (const endpoint of gone) this.#unusable.delete(endpoint);
    for (const endpoint of endpoints) this.#move(endpoint, this.#locality.levelOf(endpoint.info));
    this.#weigh();
  }

  /** Says whether an endpoint can serve. What many of them change together is weighed once. */
  review(endpoint: Endpoint, usable: boolean): void {
    if (usable === !this.#unusable.has(endpoint)) return;
    if (usable) this.#unusable.delete(endpoint);
    // Pods behind a virtual IP come and go without an update, and take part in no share.
    else if (this.#set.current.get(endpoint.key) === endpoint) this.#unusable.add(endpoint);
    else return;
    if (this.#weighing) return;
    this.#weighing = true;
    queueMicrotask(() => {
      this.#weighing = false;
      this.#weigh();
    });
  }

  #move(endpoint: Endpoint, level: number): void {
    if (level === endpoint.level) return;
    // Pickers find it by its level.
    place(endpoint, undefined);
    endpoint.level = level;
    this.#owner.place(endpoint);
  }

  /** Says anew how many requests stay near. */
  #weigh(): void {
    const all = [...this.#set.current.values()];
    const usable = all.filter((endpoint) => !this.#unusable.has(endpoint));
    // Where none serves, all are tried. A zone has its share of new ones at once: they are slow for each other only.
    const counted = usable.length > 0 ? usable : all;
    this.#locality.weigh(counted.map(({ level, info }) => ({ level, weight: baseWeight(info) })));
    this.#owner.onSharesChanged();
  }
}
