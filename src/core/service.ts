import type { Clock, Timer } from './base/clock.ts';
import { Demand } from './base/demand.ts';
import { Registry } from './base/registry.ts';
import type { Call } from './calls/call.ts';
import { Calls } from './calls/calls.ts';
import type { Pod } from './connections/connection.ts';
import { Pool } from './connections/pool.ts';
import type { Transport } from './connections/transport.ts';
import { Discovery, type DiscoveryOwner } from './discovery/discovery.ts';
import type { EndpointUpdate, Resolver } from './discovery/resolver.ts';
import type { Endpoint } from './endpoints/endpoint.ts';
import type { EndpointSet } from './endpoints/endpoint-set.ts';
import type { ServiceSettings } from './settings.ts';

/** What a service tells the code that made it. */
export interface ServiceOwner {
  /** A dial has failed. */
  onConnectionError(service: Service, error: Error): void;
  /** The service takes calls again, after `dispatch` has returned false. */
  onDrain(service: Service): void;
  /** No caller has used the service for `originIdleTimeout`. */
  onIdle(service: Service): void;
}

export interface ServiceOptions {
  /** The name under which the maker of the service keeps it. */
  key: string;
  url: URL;
  settings: ServiceSettings;
  resolver: Resolver;
  transport: Transport;
  /** Differs from client to client. Where clients should make different choices, this decides. */
  identity: string;
}

/** What the metrics read of an endpoint, also of one whose connections a client library makes (gRPC). */
export interface LiveEndpoint extends Endpoint {
  readonly connections: Iterable<{ readonly busy: boolean; readonly multiplexed: boolean }>;
}

/** What the metrics read of a destination, also of one whose connections a client library makes (gRPC). */
export interface LiveService
  extends Pick<Service, 'clock' | 'running' | 'waiting' | 'requests' | 'failures'> {
  readonly url: Pick<URL, 'origin'>;
  readonly endpoints: Pick<
    EndpointSet<LiveEndpoint>,
    'known' | 'nameless' | 'seesPods' | typeof Symbol.iterator
  >;
  readonly discovery: Pick<Discovery, 'source'>;
}

/** The services of this process that have not ended. The metrics read their numbers. */
export const liveServices = new Registry<LiveService>();

/** One destination: its endpoints and its calls. It knows when it is idle, and when it has ended. */
export class Service implements DiscoveryOwner {
  readonly key: string;
  readonly url: URL;
  readonly calls: Calls;
  readonly pool: Pool;
  readonly discovery: Discovery;

  readonly #settings: ServiceSettings;
  readonly #owner: ServiceOwner;
  readonly #demand = new Demand();
  #quiet = true;
  #needDrain = false;
  #idle: Timer | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor({ key, url, settings, resolver, transport, identity }: ServiceOptions, owner: ServiceOwner) {
    const { clock, random } = settings;
    this.key = key;
    this.url = url;
    this.#settings = settings;
    this.#owner = owner;
    this.discovery = new Discovery(this, { resolver, clock, random });
    this.pool = new Pool({
      settings,
      origin: url.origin,
      transport,
      demand: this.#demand,
      identity,
      discovery: this.discovery,
      onDialFailed: (error) => owner.onConnectionError(this, error),
    });
    this.pool.upkeep.watch(() => this.#onQuiet());
    this.calls = new Calls({
      pool: this.pool,
      discovery: this.discovery,
      demand: this.#demand,
      settings,
      onServed: () => this.#onServed(),
    });
    liveServices.add(this);
  }

  /** How many times a request was given to an endpoint. A request that is sent again counts again. */
  get requests(): number {
    return this.calls.attempts.begun;
  }

  /** How many of these requests failed. */
  get failures(): number {
    return this.calls.attempts.failures;
  }

  get clock(): Clock {
    return this.#settings.clock;
  }

  get endpoints(): EndpointSet<Pod> {
    return this.pool.set;
  }

  get inUse(): boolean {
    return !this.#quiet;
  }

  /** Calls that are under way. */
  get running(): number {
    return this.#demand.running;
  }

  /** Calls that wait for a connection. */
  get waiting(): number {
    return this.#demand.waiting;
  }

  /** Whether the key of a call decides which endpoint gets it. */
  get bindsByKey(): boolean {
    return this.pool.bindsByKey;
  }

  /**
   * Takes a call. Returns false if the caller should wait for `onDrain` before the next call.
   *
   * @param isTraced whether a listener wants to know when the call is sent again
   * @throws what `call.check()` throws
   */
  dispatch(call: Call, isTraced: boolean): boolean {
    if (this.#quiet) this.#wake();
    const isSent = this.calls.take(call, isTraced);
    return (isSent && !this.pool.capacity.isLimited) || this.#hasRoom();
  }

  #hasRoom(): boolean {
    const { capacity } = this.pool;
    if (!this.calls.queue.isFull && !capacity.isSaturated && !capacity.isTakenBy(this.#demand)) return true;
    this.#needDrain = true;
    this.calls.queue.awaitsEnd = true;
    return false;
  }

  #onServed(): void {
    if (this.#needDrain && !this.pool.capacity.isSaturated && this.waiting === 0) {
      this.#needDrain = false;
      this.calls.queue.awaitsEnd = this.#onClosed !== undefined;
      this.#owner.onDrain(this);
    }
    this.#closeIfDone();
  }

  // Awake and idle

  #wake(): void {
    this.#quiet = false;
    this.#idle?.cancel();
    if (this.discovery.isStale) this.pool.reach.freeze(true);
    this.pool.upkeep.start();
    this.pool.health.start();
    this.discovery.demand();
  }

  #onQuiet(): void {
    this.#quiet = true;
    this.#idleLater();
  }

  #idleLater(): void {
    const { clock, originIdleTimeout } = this.#settings;
    this.#idle = clock.schedule(() => {
      // Open sockets and streams decide where new ones go. So a service that has some is in use.
      if (this.pool.seats.taken > 0) this.#idleLater();
      else this.#owner.onIdle(this);
    }, originIdleTimeout);
  }

  // Discovery

  onUpdate(update: EndpointUpdate): void {
    this.pool.update(update);
    this.calls.queue.onUpdate();
  }

  onError(error: Error, askedAt: number, asksAgain: boolean): void {
    const { queue } = this.calls;
    this.pool.awaitsNews = false;
    this.pool.reach.freeze(this.discovery.isWithdrawn);
    if (this.discovery.isKnown) {
      queue.serve();
      return;
    }
    if (asksAgain) queue.failFirst(error, askedAt);
    else queue.failAll(error, askedAt);
    queue.serveSoon();
  }

  // The end

  /** Finishes the calls that it has taken, then closes all connections. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.calls.queue.awaitsEnd = true;
    this.#closeIfDone();
    return this.#closing;
  }

  /** Ends everything now. Calls that it has taken fail with `error`. */
  destroy(error: Error): Promise<void> {
    this.calls.destroy(error);
    this.pool.destroy(error);
    return this.close();
  }

  #closeIfDone(): void {
    if (this.#onClosed === undefined || this.#demand.total > 0) return;
    this.discovery.stop();
    this.#idle?.cancel();
    this.calls.queue.stop();
    this.calls.attempts.stop();
    this.pool.close();
    if (!this.pool.isEmpty) return;
    liveServices.delete(this);
    this.#onClosed();
    this.#onClosed = undefined;
  }
}
