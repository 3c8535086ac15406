import { LRUCache } from 'lru-cache';

/**
 * Services that an origin may have at a time. With TLS there is one for each name that requests ask for, and a
 * proxy that forwards Host headers lets its own callers choose these: they must not drive out other origins.
 */
const MOST_VARIANTS = 32;

/** The services of one origin, by what of a request decides which connections may carry it. */
export class Variants<S extends object> {
  readonly #services: LRUCache<string, S>;

  /** @param onEvicted told of one that leaves, as another was made or the origin has left itself */
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

  /** Takes one out, if it is still there. */
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
