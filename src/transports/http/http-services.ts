import type { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { Settings } from '../../config/settings.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import type { Service, ServiceOwner } from '../../core/service.ts';
import { mergedStats, type ServiceStats, statsOf } from '../../telemetry/stats.ts';
import { SocketMocks } from '../common/socket-mocks.ts';
import { Variants } from '../common/variants.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { HttpService, type HttpServiceOptions } from './http-service.ts';

/** What decides which connections may carry a request. */
export interface Destination {
  readonly origin: string;
  /** All but the origin, as one name. */
  readonly variant: string;
  readonly url: URL;
  readonly servername: string;
  /** The one address family that its caller wants; 0: any. */
  readonly family: 0 | 4 | 6;
  readonly connect: Readonly<Record<string, unknown>>;
  /** The agent, if it shares its connections with no other. */
  readonly agent: EventEmitter | undefined;
}

export interface HttpServicesOptions {
  settings: Settings;
  resolver: Resolver;
  /** Differs from client to client. */
  identity: string;
  newTransport?: HttpServiceOptions['newTransport'];
}

/**
 * How many services an origin may have at a time: more than callers have keys and certificates, but too few to evict
 * other origins if a proxy's callers choose the names for TLS.
 */
const MOST_VARIANTS = 256;

/** The services for requests of node:http. */
export class HttpServices implements ServiceOwner {
  /** Whether they take no more requests. */
  ended = false;
  readonly mocks: SocketMocks;
  /** Whether names are found by the user's own discovery, and perhaps by nothing else. */
  readonly findsOwnNames: boolean;
  readonly #options: HttpServicesOptions;
  readonly #origins: LRUCache<string, Variants<HttpService>>;
  /** Services that were evicted, and still drain. */
  readonly #leaving = new Set<HttpService>();

  constructor(options: HttpServicesOptions) {
    this.#options = options;
    this.mocks = new SocketMocks(options.settings);
    this.findsOwnNames = typeof options.settings.discovery === 'function';
    this.#origins = new LRUCache({
      max: options.settings.maxOrigins,
      dispose: (services) => services.clear(),
    });
  }

  get(origin: string, variant: string): HttpService | undefined {
    return this.#origins.get(origin)?.get(variant);
  }

  create({ origin, variant, family, ...destination }: Destination): HttpService {
    const { identity, newTransport } = this.#options;
    const [settings, resolver] = this.#ofFamily(family);
    const key = `${origin} ${variant}`;
    const options = { ...destination, key, settings, resolver, identity };
    const service = new HttpService({ ...options, ...(newTransport && { newTransport }) }, this);
    let services = this.#origins.get(origin);
    if (services === undefined) {
      services = new Variants((gone) => this.#onGone(gone), MOST_VARIANTS);
      this.#origins.set(origin, services);
    }
    services.add(variant, service);
    return service;
  }

  *#all(): Generator<HttpService> {
    for (const services of this.#origins.values()) yield* services;
  }

  /** The settings and the resolver of the agent, or others for callers that want one address family. */
  #ofFamily(family: 0 | 4 | 6): [Settings, Resolver] {
    const { settings, resolver } = this.#options;
    if (family === 0 || settings.dns.family === family) return [settings, resolver];
    const narrowed = { ...settings, dns: { ...settings.dns, family } };
    return [narrowed, sharedResolverFor(narrowed)];
  }

  /** What evenkeel knows about the pods of each origin. */
  get stats(): Record<string, ServiceStats> {
    const byOrigin = Map.groupBy(this.#all(), ({ url }) => url.origin);
    return Object.fromEntries(
      Array.from(byOrigin, ([origin, services]) => [origin, mergedStats(services.map(statsOf))]),
    );
  }

  /** Ends all services, also those that drain. Resolves when all have ended. */
  async end(how: (service: HttpService) => Promise<void>): Promise<void> {
    this.ended = true;
    const services = new Set([...this.#all(), ...this.#leaving]);
    for (const service of services) service.ended = true;
    await Promise.all(Array.from(services, how));
  }

  onConnectionError(): void {}

  onDrain(): void {}

  onIdle(service: Service): void {
    for (const [origin, services] of this.#origins.entries()) {
      services.delete(service);
      if (services.size === 0) this.#origins.delete(origin);
    }
  }

  #onGone(service: HttpService): void {
    service.ended = true;
    this.#leaving.add(service);
    void service.close().then(() => this.#leaving.delete(service));
  }
}
