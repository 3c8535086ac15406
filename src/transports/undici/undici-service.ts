import type { Client, Dispatcher } from 'undici';
import type { RingHashSettings, Settings } from '../../config/settings.ts';
import type { Call } from '../../core/calls/call.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import { Service, type ServiceOwner } from '../../core/service.ts';
import type { ClientEvents } from './client-wire.ts';
import { keyHashOf } from './request-key.ts';
import type { RequestOptions } from './request-options.ts';
import { requestCreate } from './trace.ts';
import { UndiciTransport } from './undici-transport.ts';

export interface UndiciServiceOptions {
  key: string;
  url: URL;
  /** The name for SNI and for the certificate check; '' for an IP address. */
  servername: string;
  settings: Settings;
  resolver: Resolver;
  identity: string;
  /** Hears the events of Clients. */
  events: ClientEvents;
}

/** A service for requests of undici and `fetch`. */
export class UndiciService extends Service {
  /** The options of its Clients. */
  readonly client: Client.Options;
  readonly #ringHash: RingHashSettings;

  constructor(options: UndiciServiceOptions, owner: ServiceOwner) {
    const { key, url, servername, settings, resolver, identity, events } = options;
    const { client, connectTimeout, clock, ringHash } = settings;
    const transport = new UndiciTransport({ url, servername, client, connectTimeout, clock }, events);
    super({ key, url, settings, resolver, transport, identity }, owner);
    this.client = client;
    this.#ringHash = ringHash;
  }

  /**
   * Takes a request. Returns false if the caller should wait for `drain` before the next one.
   *
   * @param given the caller's own options
   * @throws what undici would throw for a bad request
   */
  take(call: Call & { readonly options: RequestOptions }, given: Dispatcher.DispatchOptions): boolean {
    // First, because it may throw.
    if (this.bindsByKey) call.keyHash = keyHashOf(given, call.options, this.#ringHash);
    return this.dispatch(call, requestCreate.hasSubscribers);
  }
}
