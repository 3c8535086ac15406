import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { LeastRequest } from './balancing/least-request.ts';
import type { Picker, PickerFactory } from './balancing/picker.ts';
import { RoundRobin } from './balancing/round-robin.ts';
import type { Settings } from './config/settings.ts';
import { Connection, type RetireReason } from './connection.ts';
import { Dialer } from './dialer.ts';
import { Dials } from './dials.ts';
import type { EndpointAddress, Resolution } from './discovery/resolver.ts';
import { CONNECTING, Endpoint, type EndpointOwner } from './endpoint.ts';
import { channels } from './telemetry/channels.ts';
import { Warmth, type WarmthOwner } from './warmth.ts';

/** A set of endpoints, as a resolver yields it. */
export type EndpointUpdate = Extract<Resolution, { endpoints: unknown }>;

/** What the pool tells its service, and asks of it. */
export interface PoolOwner {
  readonly url: URL;
  readonly servername: string;
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** A connection has room that had none. */
  onRoom(): void;
  onDialFailed(error: Error): void;
  onConnectionGone(): void;
  /** No request came for a while. */
  onQuiet(): void;
  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void;
}

const FIRST_BACKOFF = 1_000;
const BACKOFF_FACTOR = 1.6;
const LONGEST_BACKOFF = 30_000;
/** Up to this many new endpoints are dialled at once; more are spread over `DIAL_SPREAD` milliseconds. */
const FEW = 4;
const DIAL_SPREAD = 1_000;
/** undici's, for an idle connection of a server that gives no hint. */
const DEFAULT_KEEP_ALIVE = 4_000;
const MAX_DURATION_VIRTUAL = 60_000;
const MAX_DURATION_VISIBLE = 300_000;

const POLICIES: Record<'least-request' | 'round-robin', PickerFactory> = {
  'least-request': () => new LeastRequest(),
  'round-robin': () => new RoundRobin(),
};

/**
 * The endpoints of one service: which there are, which are kept connected, which may be picked, and the
 * dials to them.
 */
export class EndpointPool implements EndpointOwner, WarmthOwner {
  readonly origin: string;

  readonly #owner: PoolOwner;
  readonly #settings: Settings;
  readonly #dials: Dials;
  readonly #warmth: Warmth;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Those that have left the set and still carry something. */
  readonly #leaving = new Set<Endpoint>();
  /** Endpoints with a connection that has room. */
  readonly #free: Picker<Endpoint>;
  /** Proven ones that would have to be dialled. */
  readonly #full: Picker<Endpoint>;
  /** Never connected ones, which are dialled for a request only when nothing else is left. */
  readonly #unproven: Picker<Endpoint>;
  /** Those whose last dial failed a moment ago, the longest ago first. */
  readonly #failed = new Set<Endpoint>();
  /** Orders waiting requests and failed dials in time. */
  #moments = 0;
  /** What is known of the endpoints may be out of date, so none is dialled. */
  #frozen = false;
  #virtual = false;
  #onUnreachable: (() => void) | undefined;

  constructor(owner: PoolOwner, settings: Settings, identity: string) {
    const { policy, client, connectTimeout, clock } = settings;
    this.#owner = owner;
    this.origin = owner.url.origin;
    this.#settings = settings;
    const createPicker = typeof policy === 'string' ? POLICIES[policy] : policy;
    this.#free = createPicker();
    this.#full = createPicker();
    this.#unproven = createPicker();
    this.#warmth = new Warmth(this, clock, identity, client.keepAliveTimeout ?? DEFAULT_KEEP_ALIVE);
    this.#dials = new Dials({
      dialer: new Dialer({ url: owner.url, servername: owner.servername, client, connectTimeout }),
      clock,
      isNeeded: () => owner.demand > 0,
      onConnected: (endpoint, socket) => this.#onConnected(endpoint, socket),
      onFailed: (endpoint, error) => this.#onDialFailed(endpoint, error),
      onAbandoned: (endpoint) => this.place(endpoint),
    });
  }

  /** Whether nothing is connected, nor being dialled, nor still draining. */
  get empty(): boolean {
    if (this.#dials.size > 0 || this.#leaving.size > 0) return false;
    for (const { connections } of this.#endpoints.values()) if (connections.size > 0) return false;
    return true;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  get dialing(): number {
    return this.#dials.size;
  }

  /** Why the last dial failed, while that matters. */
  get lastError(): Error | undefined {
    let last: Error | undefined;
    for (const { backoff } of this.#failed) last = backoff?.error;
    return last;
  }

  /** Whether a request could be served now, or after a dial. */
  get hasRoom(): boolean {
    return (this.#free.pick() ?? this.#full.pick() ?? this.#unproven.pick()) !== undefined;
  }

  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  // Requests

  /** Counts a request towards the rate that keeps endpoints warm. */
  count(): void {
    this.#warmth.count();
  }

  /** The endpoint to serve a request, with a connection ready for it; none if it has to wait. */
  pick(now: number): Endpoint | undefined {
    for (let best = this.#free.pick(); best !== undefined; best = this.#free.pick()) {
      if (best.isReady(now)) return best;
    }
    return undefined;
  }

  /** Gives a request to an endpoint just picked. */
  begin(endpoint: Endpoint): Connection {
    const rival = this.#full.pick();
    // On a tie too: where it has few connections, it would lose all ties to those that have more.
    if (rival !== undefined && !this.#full.before(endpoint, rival)) this.#dial(rival);
    this.#warmth.consider(endpoint.load);
    this.#free.used(endpoint);
    return endpoint.begin();
  }

  /** A moment in the order of waiting requests and failed dials. */
  moment(): number {
    return ++this.#moments;
  }

  /**
   * Dials, so that there is a dial for each of `waiting` requests, of which the first has waited since
   * the moment `since`. False if that is hopeless: each endpoint has failed since then.
   */
  dialFor(waiting: number, since: number): boolean {
    while (!this.#frozen && this.#dials.size < waiting) {
      const endpoint = this.#full.pick() ?? this.#unproven.pick();
      if (endpoint !== undefined) this.#dial(endpoint);
      else if (!this.#warmth.grow() && !this.#dialFailed(since)) break;
    }
    return this.#dials.size > 0 || this.#frozen || this.#endpoints.size === 0 || this.isConnected;
  }

  /** Dials one more endpoint for a request that has waited for a while; the dials under way may be stuck. */
  hedge(since: number): void {
    if (this.#frozen) return;
    const endpoint = this.#full.pick() ?? this.#unproven.pick();
    if (endpoint?.dialing === 0) this.#dial(endpoint);
    else if (!this.#warmth.grow()) this.#dialFailed(since);
  }

  get isConnected(): boolean {
    for (const { connected } of this.#endpoints.values()) if (connected > 0) return true;
    return false;
  }

  // The set of endpoints

  /** Takes a new set. Endpoints that stay keep their connections, counts and penalties. */
  update({ endpoints, withdrawn = false, virtual = false, onUnreachable }: EndpointUpdate): void {
    this.#virtual = virtual;
    this.#onUnreachable = onUnreachable;
    const stay = new Set<Endpoint>();
    const fresh: Endpoint[] = [];
    for (const info of endpoints) {
      const endpoint = this.#find(info) ?? this.#create(info, fresh);
      endpoint.info = info;
      stay.add(endpoint);
    }
    let changed = fresh.length > 0;
    for (const endpoint of this.#endpoints.values()) {
      if (stay.has(endpoint)) continue;
      changed = true;
      this.#remove(endpoint, 'endpoint-removed');
    }
    if (changed) this.#warmth.replace(this.#endpoints.values());
    this.frozen = withdrawn;
    if (!changed) return;
    this.#placeAll();
    this.#dialAll(fresh);
  }

  /** Dials nothing while set: what is known is too old, or was withdrawn. The next update says again. */
  set frozen(frozen: boolean) {
    if (frozen === this.#frozen) return;
    this.#frozen = frozen;
    this.#placeAll();
  }

  /** Retires all connections; each closes when it is done. */
  close(): void {
    this.#stop();
    for (const endpoint of this.#endpoints.values()) this.#remove(endpoint, 'service-closed');
  }

  /** Ends all connections with what they carry. */
  destroy(error: Error): void {
    this.close();
    for (const { connections } of this.#leaving) {
      for (const connection of connections) connection.destroy(error);
    }
  }

  #stop(): void {
    this.#warmth.stop();
    this.#dials.abandon();
  }

  #find(info: EndpointAddress): Endpoint | undefined {
    const known = this.#endpoints.get(keyOf(info));
    const id = known?.info.id ?? info.id;
    // A pod that came by the address of another is not that other.
    return id === (info.id ?? id) ? known : undefined;
  }

  #create(info: EndpointAddress, fresh: Endpoint[]): Endpoint {
    const key = keyOf(info);
    const predecessor = this.#endpoints.get(key);
    if (predecessor !== undefined) this.#remove(predecessor, 'endpoint-removed');
    const endpoint = new Endpoint(key, info, this);
    this.#endpoints.set(key, endpoint);
    // Drawn in between the others at random, so that not all clients begin with the same one.
    const index = Math.floor(this.#settings.random() * (fresh.length + 1));
    fresh.push(endpoint);
    [fresh[index], fresh[fresh.length - 1]] = [fresh[fresh.length - 1]!, fresh[index]!];
    if (channels.endpointAdd.hasSubscribers)
      channels.endpointAdd.publish({ origin: this.origin, address: key });
    return endpoint;
  }

  #remove(endpoint: Endpoint, reason: RetireReason): void {
    if (this.#endpoints.get(endpoint.key) === endpoint) this.#endpoints.delete(endpoint.key);
    this.#clearBackoff(endpoint);
    this.#leaving.add(endpoint);
    endpoint.drain(reason);
    this.#dials.abandon(endpoint);
    if (endpoint.connections.size === 0) this.#leaving.delete(endpoint);
    if (channels.endpointRemove.hasSubscribers) {
      channels.endpointRemove.publish({ origin: this.origin, address: endpoint.key, reason });
    }
  }

  // Which may be picked

  place(endpoint: Endpoint): void {
    const picker = this.#pickerFor(endpoint);
    if (picker === endpoint.picker) {
      picker?.update(endpoint);
      return;
    }
    endpoint.picker?.remove(endpoint);
    endpoint.picker = picker;
    picker?.add(endpoint);
  }

  #pickerFor(endpoint: Endpoint): Picker<Endpoint> | undefined {
    if (!endpoint.warm || endpoint.state.name === 'draining') return undefined;
    if (endpoint.hasRoom) return this.#free;
    if (!this.#mayDial(endpoint) || endpoint.backoff !== undefined) return undefined;
    return endpoint.state.name === 'connecting' ? this.#unproven : this.#full;
  }

  #placeAll(): void {
    for (const endpoint of this.#endpoints.values()) this.place(endpoint);
  }

  // Dials

  #mayDial(endpoint: Endpoint): boolean {
    if (this.#frozen || endpoint.opening !== undefined) return false;
    if (endpoint.connected + endpoint.dialing >= this.#settings.connections) return false;
    // One connection of HTTP/2 serves many, so the first dial tells how many are needed.
    return endpoint.dialing === 0 || (endpoint.protocol ?? this.#firstGuess) === 'h1';
  }

  get #firstGuess(): 'h1' | 'h2' {
    const { allowH2, h2Options } = this.#settings.client;
    if (allowH2 === false) return 'h1';
    return this.#owner.url.protocol === 'https:' || h2Options?.useH2c === true ? 'h2' : 'h1';
  }

  /** Dials the endpoint whose last dial failed the longest ago, if that was before `since`. */
  #dialFailed(since: number): boolean {
    for (const endpoint of this.#failed) {
      if (endpoint.backoff!.failedAt > since) return false;
      if (endpoint.dialing > 0 || !this.#mayDial(endpoint)) continue;
      this.#dial(endpoint);
      return true;
    }
    return false;
  }

  #dial(endpoint: Endpoint): void {
    this.#full.used(endpoint);
    this.#dials.start(endpoint);
    this.place(endpoint);
  }

  /** Connects warm endpoints off the request path, while there is traffic to keep them so. */
  #dialAll(endpoints: readonly Endpoint[]): void {
    if (!this.#warmth.active) return;
    const { clock, random } = this.#settings;
    for (const endpoint of endpoints) {
      const dial = () => {
        if (endpoint.warm && this.#isUnconnected(endpoint) && this.#mayDial(endpoint)) this.#dial(endpoint);
      };
      if (endpoints.length <= FEW) dial();
      else clock.schedule(dial, random() * DIAL_SPREAD);
    }
  }

  #isUnconnected(endpoint: Endpoint): boolean {
    const { connected, dialing, backoff, state } = endpoint;
    return connected + dialing === 0 && backoff === undefined && state.name !== 'draining';
  }

  #onConnected(endpoint: Endpoint, socket: Socket): void {
    const { clock, client, maxRequestsPerConnection, drainTimeout } = this.#settings;
    this.#clearBackoff(endpoint);
    const connection = new Connection(socket, endpoint, {
      url: this.#owner.url,
      client,
      clock,
      maxDuration: this.#drawMaxDuration(),
      maxRequests: maxRequestsPerConnection,
      drainTimeout,
      idleTimeout: this.#warmth.keepAlive,
    });
    endpoint.add(connection);
    this.#owner.onRoom();
    connection.park();
  }

  #drawMaxDuration(): number {
    const { maxConnectionDuration, connectionDurationJitter, random } = this.#settings;
    const longest = maxConnectionDuration ?? (this.#virtual ? MAX_DURATION_VIRTUAL : MAX_DURATION_VISIBLE);
    return longest * (1 - connectionDurationJitter * random());
  }

  #onDialFailed(endpoint: Endpoint, error: Error): void {
    const { clock, random } = this.#settings;
    const delay = Math.min(FIRST_BACKOFF * BACKOFF_FACTOR ** endpoint.dialFailures++, LONGEST_BACKOFF);
    this.#clearBackoff(endpoint);
    endpoint.backoff = {
      failedAt: this.moment(),
      error,
      timer: clock.schedule(() => this.#onBackoffOver(endpoint), delay * (0.8 + 0.4 * random())),
    };
    this.#failed.add(endpoint);
    if (endpoint.connected === 0) endpoint.state = CONNECTING;
    this.place(endpoint);
    // So that an endpoint that can't be reached costs no warm one.
    if (endpoint.warm) this.#warmth.grow();
    if (this.#failed.size === this.#endpoints.size && !this.isConnected) this.#onUnreachable?.();
    this.#owner.onDialFailed(error);
  }

  #onBackoffOver(endpoint: Endpoint): void {
    this.#clearBackoff(endpoint);
    this.place(endpoint);
    this.#dialAll([endpoint]);
  }

  #clearBackoff(endpoint: Endpoint): void {
    endpoint.backoff?.timer.cancel();
    endpoint.backoff = undefined;
    this.#failed.delete(endpoint);
  }

  // What is kept connected

  /** Learns from a response how long idle connections last. */
  set keepAlive(milliseconds: number) {
    this.#warmth.keepAlive = milliseconds;
  }

  get demand(): number {
    return this.#owner.demand;
  }

  get failing(): number {
    return this.#failed.size;
  }

  onWarmthChanged(endpoint: Endpoint): void {
    this.place(endpoint);
    this.#dialAll([endpoint]);
    // In a microtask: this may be on behalf of a request that waits.
    if (endpoint.picker === this.#free) queueMicrotask(() => this.#owner.onRoom());
  }

  /** Connects again what is warm and has lost its last connection. */
  onTick(): void {
    const lost: Endpoint[] = [];
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.warm && this.#isUnconnected(endpoint)) lost.push(endpoint);
    }
    this.#dialAll(lost);
  }

  onQuiet(): void {
    this.#owner.onQuiet();
  }

  onConnectionGone(endpoint: Endpoint, connection: Connection): void {
    if (endpoint.connections.size === 0) this.#leaving.delete(endpoint);
    if (connection.retired === 'max-duration' && this.#warmth.rotate(endpoint)) this.#placeAll();
    this.#owner.onConnectionGone();
  }

  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    this.#owner.onClientEvent(event, client, error);
  }
}

function keyOf({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
