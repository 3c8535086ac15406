import { LRUCache } from 'lru-cache';
import type { Settings } from '../../config/settings.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import type { Service, ServiceOwner } from '../../core/service.ts';
import { mergedStats, type ServiceStats, statsOf } from '../../telemetry/stats.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { HttpService } from './http-service.ts';

/** What a request asks for, as far as it decides which connections may carry it. */
export interface Destination {
  readonly key: string;
  readonly url: URL;
  readonly servername: string;
  /** The one address family that its caller takes; 0: any. */
  readonly family: 0 | 4 | 6;
  readonly connect: Readonly<Record<string, unknown>>;
}

export interface HttpServicesOptions {
  settings: Settings;
  resolver: Resolver;
  /** Tells this client from others. */
  identity: string;
}

/** The services that requests of node:http go to. */
export class HttpServices implements ServiceOwner {
  /** They take no more requests. */
  ended = false;
  readonly #options: HttpServicesOptions;
  readonly #services: LRUCache<string, HttpService>;
  /** Those that were evicted and still drain. */
  readonly #leaving = new Set<HttpService>();

  constructor(options: HttpServicesOptions) {
    this.#options = options;
    this.#services = new LRUCache({
      max: options.settings.maxOrigins,
      dispose: (service) => this.#onGone(service),
    });
  }

  get(key: string): HttpService | undefined {
    return this.#services.get(key);
  }

  create({ family, ...destination }: Destination): HttpService {
    const { identity } = this.#options;
    const [settings, resolver] = this.#ofFamily(family);
    const service = new HttpService({ ...destination, settings, resolver, identity }, this);
    this.#services.set(destination.key, service);
    return service;
  }

  /** The agent's own, but for callers that want one address family. */
  #ofFamily(family: 0 | 4 | 6): [Settings, Resolver] {
    const { settings, resolver } = this.#options;
    if (family === 0 || settings.dns.family === family) return [settings, resolver];
    const narrowed = { ...settings, dns: { ...settings.dns, family } };
    return [narrowed, sharedResolverFor(narrowed)];
  }

  /** What is known and under way, by origin. */
  get stats(): Record<string, ServiceStats> {
    const byOrigin = Map.groupBy(this.#services.values(), ({ url }) => url.origin);
    return Object.fromEntries(
      Array.from(byOrigin, ([origin, services]) => [origin, mergedStats(services.map(statsOf))]),
    );
  }

  /** Ends all of them, those that drain as well. Resolves when all have ended. */
  async end(how: (service: HttpService) => Promise<void>): Promise<void> {
    this.ended = true;
    for (const service of this.#services.values()) service.ended = true;
    await Promise.all(Array.from(new Set([...this.#services.values(), ...this.#leaving]), how));
  }

  onConnectionError(): void {}

  onDrain(): void {}

  onIdle(service: Service): void {
    if (this.#services.peek(service.key) === service) this.#services.delete(service.key);
  }

  #onGone(service: HttpService): void {
    service.ended = true;
    this.#leaving.add(service);
    void service.close().then(() => this.#leaving.delete(service));
  }
}
