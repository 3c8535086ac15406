import type { EndpointAddress, Resolution, Resolver } from '../../src/core/discovery/resolver.ts';

export interface Addressed {
  readonly endpoint: EndpointAddress;
}

/** A resolver that yields what it is told to. */
export class ManualResolver {
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #resolution: Resolution | undefined;
  /** How often somebody began to follow. */
  followers = 0;

  constructor(pods: readonly Addressed[] = []) {
    if (pods.length > 0) this.set(pods);
  }

  set(pods: readonly Addressed[], more: Partial<Resolution> = {}): void {
    this.say({ endpoints: pods.map(({ endpoint }) => endpoint), source: 'test', ...more });
  }

  say(resolution: Resolution): void {
    this.#resolution = resolution;
    this.#version++;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  readonly resolve: Resolver = async function* (this: ManualResolver, _target: unknown, signal: AbortSignal) {
    this.followers++;
    let seen = 0;
    while (!signal.aborted) {
      if (seen < this.#version) {
        seen = this.#version;
        yield this.#resolution!;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  }.bind(this) as Resolver;
}
