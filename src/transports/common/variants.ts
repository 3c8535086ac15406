import { LRUCache } from 'lru-cache';

/**
 * How many services an origin may have at a time. With TLS, there is one for each name that requests ask for. If a
 * proxy forwards Host headers, its callers choose these names: they must not evict other origins.
 */
const MOST_VARIANTS = 32;

/** The services of one origin, by what decides which connections may carry a request. */
export class Variants<S extends object> {
  readonly #services: LRUCache<string, S>;

  /** @param onEvicted hears of each service that leaves */
  constructor(onEvicted: (service: S) => void, max = MOST_VARIANTS) {
    this.#services = new LRUCache({ max, dispose: onEvicted });
  }

  get size(): number {
    return this.#services.size;
  }

  get(variant: string): S | undefined {
    return this.#services.get(variant);
  }

  add(variant: string, service: S): void {
    this.#services.set(variant, service);
  }

  /** Removes a service, if it is still there. */
  delete(service: object): void {
    for (const [variant, known] of this.#services.entries()) {
      if (known === service) this.#services.delete(variant);
    }
  }

  clear(): void {
    this.#services.clear();
  }

  [Symbol.iterator](): Iterator<S> {
    return this.#services.values();
  }
}
