import { LRUCache } from 'lru-cache';
import { connectorOptions } from '../../config/client-options.ts';
import type { Settings } from '../../config/settings.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import type { Service, ServiceOwner } from '../../core/service.ts';
import { Variants } from '../common/variants.ts';
import { assertRequest } from './checks.ts';
import type { ClientEvents } from './client-wire.ts';
import { parseOrigin, requestedName, toServername } from './origin.ts';

import type { RequestOptions } from './request-options.ts';
import { UndiciService } from './undici-service.ts';

export interface OriginsOptions {
  settings: Settings;
  resolver: Resolver;
  /** Differs from client to client. */
  identity: string;
  /** Hears what services tell. */
  owner: ServiceOwner;
  /** Hears the events of Clients, with the URL of their service. */
  onClientEvent: (url: URL, ...told: Parameters<ClientEvents>) => void;
}

/** The origins that an agent knows, and the services of each origin. */
export class Origins {
  readonly #options: OriginsOptions;
  readonly #origins: LRUCache<string, Variants<UndiciService>>;
  /** Services that were evicted, and still drain. */
  readonly #leaving = new Map<UndiciService, Promise<void>>();
  /**
   * The last origin that was asked for, because most requests ask for the same one again. Without TLS, its name is
   * enough.
   */
  #lastName = '';
  #lastVariant: string | undefined;
  #lastService: UndiciService | undefined;

  constructor(options: OriginsOptions) {
    this.#options = options;
    this.#origins = new LRUCache({
      max: options.settings.maxOrigins,
      dispose: (services) => services.clear(),
    });
  }

  has(origin: string): boolean {
    return this.#origins.has(origin);
  }

  /** The services of each origin. */
  entries(): Iterable<[string, Variants<UndiciService>]> {
    return this.#origins.entries() as Iterable<[string, Variants<UndiciService>]>;
  }

  /** The service for a request: one for each origin; with TLS, one for each servername; and one for HTTP/1.1 alone. */
  serviceFor(
    origin: string | URL,
    request: RequestOptions,
    h2: boolean,
    missing: string | undefined,
  ): UndiciService {
    const name = typeof origin === 'string' ? origin : origin.origin;
    const isLast = name === this.#lastName;
    if (isLast && this.#lastVariant === undefined) return this.#lastService!;
    const isTls = name.startsWith('https:');
    const variant = isTls ? variantOf(request, h2) : '';
    if (isLast && variant === this.#lastVariant) return this.#lastService!;
    let service = this.#origins.get(name)?.get(variant);
    if (service === undefined) {
      const url = parseOrigin(origin);
      // A request that won't be sent must not make a service.
      assertRequest(request, missing);
      service = this.#create(url, variant, request, h2);
    }
    this.#lastName = name;
    this.#lastVariant = isTls ? variant : undefined;
    this.#lastService = service;
    return service;
  }

  #create(url: URL, variant: string, request: RequestOptions, h2: boolean): UndiciService {
    const key = url.origin + variant;
    // The same origin may have been written in another way.
    let services = this.#origins.get(url.origin);
    const known = services?.get(variant);
    if (known !== undefined) return known;
    const { settings, resolver, identity, owner, onClientEvent } = this.#options;
    const client = h2 ? settings.client : { ...settings.client, allowH2: false };
    const name = url.protocol === 'https:' ? requestedName(request) : undefined;
    const servername = name || connectorOptions(client).servername || toServername(url.hostname);
    const service = new UndiciService(
      {
        key,
        url,
        servername,
        settings: { ...settings, client },
        resolver,
        identity,
        events: (...told) => onClientEvent(url, ...told),
      },
      owner,
    );
    if (services === undefined) {
      services = new Variants<UndiciService>(this.#onEvicted);
      this.#origins.set(url.origin, services);
    }
    services.add(variant, service);
    return service;
  }

  /** Removes a service that is no longer used. */
  delete(service: Service): void {
    const { origin } = service.url;
    const services = this.#origins.peek(origin);
    services?.delete(service);
    if (services?.size === 0) this.#origins.delete(origin);
  }

  /** Ends all services, also those that drain. Resolves when all have ended. */
  async end(how: (service: UndiciService) => Promise<void>): Promise<void> {
    const known = Array.from(this.#origins.values(), (services) => [...services]);
    const services = new Set([...known.flat(), ...this.#leaving.keys()]);
    await Promise.all(Array.from(services, how));
  }

  readonly #onEvicted = (service: UndiciService): void => {
    if (service === this.#lastService) {
      this.#lastName = '';
      this.#lastService = undefined;
    }
    this.#leaving.set(
      service,
      service.close().then(() => {
        this.#leaving.delete(service);
      }),
    );
  };
}

/** What decides which connections may carry an https request: a Client dials again for another servername. */
function variantOf(request: RequestOptions, h2: boolean): string {
  const name = requestedName(request);
  return `${name === undefined ? '' : `#${name}`}${h2 ? '' : '#http1-only'}`;
}
