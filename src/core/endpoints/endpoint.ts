import type { Client } from 'undici';
import type { Request } from '../../transports/undici/request.ts';
import { OWN_ZONE } from '../balancing/locality.ts';
import type { Candidate, Picker } from '../balancing/picker.ts';
import type { Timer } from '../base/clock.ts';
import type { Connection, ConnectionOwner } from '../connections/connection.ts';
import type { RetireReason } from '../connections/retire-reason.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { HealthRecord } from '../health/health-record.ts';
import { formatAddress } from './endpoint-keys.ts';

export type EndpointState =
  /** Never connected, or the last dial failed and nothing is connected. */
  | { readonly name: 'connecting' }
  | { readonly name: 'ready' }
  /** Its last connection closed in good order. */
  | { readonly name: 'idle' }
  /** It has left the set: what it carries ends, and nothing is added. */
  | { readonly name: 'draining' };

export const CONNECTING: EndpointState = { name: 'connecting' };
export const READY: EndpointState = { name: 'ready' };
export const IDLE: EndpointState = { name: 'idle' };
export const DRAINING: EndpointState = { name: 'draining' };

const NONE: ReadonlySet<Connection> = new Set();
/** After so many connections that were closed unused, one is made for every 256 that would be. */
const MOST_WASTED = 8;

export interface Backoff {
  readonly failedAt: number;
  readonly error: Error;
  readonly timer: Timer;
}

/** What an endpoint tells its service. */
export interface EndpointOwner {
  readonly origin: string;
  /** Something changed that decides whether the endpoint may be picked. */
  place(endpoint: Endpoint): void;
  /** It has a first connection that takes requests, or none any more. */
  onConnectivity(endpoint: Endpoint): void;
  /** A connection has room that had none. */
  onRoom(): void;
  /** Connections will reach their age soon, and those that stay are too few for the traffic of the last moments. */
  onAging(endpoint: Endpoint): void;
  /** Whether its connections live on past their age, for nothing could take their place yet. Tries to make what could. */
  outlivesAge(endpoint: Endpoint): boolean;
  /** A connection of its takes requests no more. */
  onConnectionRetired(endpoint: Endpoint, connection: Connection): void;
  /** A retired connection of its has closed. */
  onConnectionClosed(endpoint: Endpoint): void;
  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void;
}

/** One pod, by IP address and port: its connections, and what it carries. */
export class Endpoint implements Candidate, ConnectionOwner {
  /** Tells it from the others: its address, and a number where several share that. */
  readonly key: string;
  /** Share of requests relative to the others'. */
  weight = 1;
  slot: unknown = undefined;
  load = 0;
  state: EndpointState = CONNECTING;
  /** Kept connected at the service's present rate; others wait their time. */
  warm = false;
  /** Its place among those that may be warm, which is for the warm set to say. */
  round = 0;
  rank = 0;
  tier = 0;
  /** How near it is, where that matters. */
  level = OWN_ZONE;
  /** Requests that it was given since it last served one. */
  unanswered = 0;
  /** For that, others are preferred; its picker says so. */
  doubted = false;
  /** The picker it stands in, if any. */
  picker: Picker<Endpoint> | undefined;
  /** Known once a connection is made: an endpoint of HTTP/2 needs few. */
  protocol: 'h1' | 'h2' | undefined;
  /** A connection of HTTP/2 that will soon have room for many, so that no other need be dialled. */
  opening: Connection | undefined;
  /** Milliseconds for which its idle connections last, as far as it has said so. */
  keepAlive: number | undefined;
  /** Whether that is so short that nothing is gained by a connection that waits for the next request. */
  fleeting = false;
  /** Held strongly; undici's own cache of sessions doesn't. */
  tlsSession: Buffer | undefined;
  /** Dials under way that may well end soon, and those that should have ended by now. */
  dialing = 0;
  overdue = 0;
  /** Dials that failed in a row. */
  dialFailures = 0;
  /** Nothing has shown yet that it can be reached, while others can. */
  unproven = false;
  /** Set after a failed dial, until it may be dialled again unasked. */
  backoff: Backoff | undefined;
  /** When a request was sent, on the clock, that is known to have been answered; -Infinity if its connections were closed since. */
  heardAt = Number.NEGATIVE_INFINITY;
  inFlight = 0;
  /** Upgraded sockets and event streams that are open. */
  lasting = 0;
  requests = 0;
  failures = 0;
  /** Errors in a row that it has answered with as an app, such as 500. */
  appErrors = 0;
  /** Requests and dials that have ended, well or not, but for those that their callers gave up; health counts them. */
  judged = 0;
  opened = 0;
  retired = 0;
  /** Connections that take requests. */
  connected = 0;
  /** Those of them that will reach their age soon. */
  aging = 0;
  /** How often connections made ahead of requests were closed unused, less how often they were used. */
  #wasted = 0;
  /** How often none is made that would be, for that. */
  #passes = 0;
  /** What is held against it, if anything. */
  health: HealthRecord | undefined = undefined;
  info: EndpointAddress;
  /** The name of a pod behind a virtual IP, which can't be dialled by itself. */
  readonly identity: string | undefined;

  readonly #owner: EndpointOwner;
  /** None where there are none: of thousands of endpoints, most have no connection most of the time. */
  #connections: Set<Connection> | undefined = undefined;
  /** Top of the stack of connections with room: what was used last is used first, and what never was, last. */
  #top: Connection | undefined;
  #bottom: Connection | undefined;

  constructor(key: string, info: EndpointAddress, owner: EndpointOwner, identity?: string) {
    this.key = key;
    this.info = info;
    this.identity = identity;
    this.#owner = owner;
  }

  get origin(): string {
    return this.#owner.origin;
  }

  get address(): string {
    return formatAddress(this.info);
  }

  /** For people: its state, or that it is ejected. */
  get condition(): EndpointState['name'] | 'ejected' {
    const { name } = this.state;
    return this.isEjected && name !== 'draining' ? 'ejected' : name;
  }

  get isEjected(): boolean {
    return this.health?.ejection !== undefined;
  }

  /** Whether its last dial failed, and nothing is connected. One that is to be dialled for a request only is not known. */
  get isUnreachable(): boolean {
    const { dialFailures, connected, backoff, dialing, overdue } = this;
    return dialFailures > 0 && connected === 0 && (backoff !== undefined || dialing + overdue > 0);
  }

  /** Whether dials lead to this very pod: behind a virtual IP they may lead to any. */
  get isDialable(): boolean {
    return this.key === this.address;
  }

  /** All its connections, those that drain included. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections ?? NONE;
  }

  get hasRoom(): boolean {
    return this.#top !== undefined;
  }

  /** Whether a connection may take a request now. Those found dead or past their age on the way are retired. */
  isReady(now: number): boolean {
    for (let top = this.#top; top !== undefined; top = this.#top) {
      if (top.check(now)) return true;
    }
    return false;
  }

  /** Takes a request on, and says on which connection. The endpoint is ready. */
  begin(): Connection {
    const connection = this.#top!;
    this.load++;
    this.inFlight++;
    this.unanswered++;
    this.requests++;
    if (this.#wasted > 0 && connection.isParked) this.#wasted--;
    connection.reserve();
    this.settle(connection);
    return connection;
  }

  /** Whether no connection is made ahead of requests this time: of the last ones, too many were closed unused. */
  passesOver(): boolean {
    if (this.#passes === 0) return false;
    this.#passes--;
    return true;
  }

  /** It has closed a connection that was never used. Those that were made at the same time tell nothing new. */
  #onWasted(): void {
    if (this.#passes > 0) return;
    this.#wasted = Math.min(this.#wasted + 1, MOST_WASTED);
    this.#passes = 2 ** this.#wasted;
  }

  /** A request has ended. A held one goes on counting as load until `unhold`. */
  end(connection: Connection, request: Request, failed: boolean, held = failed): void {
    this.inFlight--;
    if (failed) this.failures++;
    if (!held) this.load--;
    connection.release(request);
    this.#settleAnywhere(connection);
  }

  /** The connection may have been handed to another endpoint while it carried what this one began. */
  #settleAnywhere(connection: Connection): void {
    if (connection.owner === this) {
      this.settle(connection);
      return;
    }
    this.#owner.place(this);
    connection.owner.settle(connection);
  }

  unhold(): void {
    this.load--;
    this.#owner.place(this);
  }

  /** A request has become an upgraded socket or stream, which is counted apart. */
  upgrade(connection: Connection, request: Request): void {
    this.#countApart();
    connection.upgrade(request);
    this.#settleAnywhere(connection);
  }

  upgradeEnded(connection: Connection): void {
    this.lasting--;
    connection.upgradeEnded();
  }

  /** A request has become an event stream, which is counted apart. */
  stream(connection: Connection, request: Request): void {
    this.#countApart();
    connection.stream(request);
    this.#settleAnywhere(connection);
  }

  /** An event stream ends: it's a request again, which is about to `end`. */
  streamEnded(connection: Connection): void {
    this.lasting--;
    this.inFlight++;
    this.load++;
    connection.inFlight++;
    connection.streamEnded();
  }

  #countApart(): void {
    this.inFlight--;
    this.load--;
    this.lasting++;
  }

  /** Takes in a connection just made. */
  add(connection: Connection): void {
    this.#take(connection);
    this.opened++;
    this.unproven = false;
    this.protocol = connection.h2 ? 'h2' : 'h1';
    if (connection.h2) this.opening = connection;
    if (this.state.name !== 'draining') this.state = READY;
    this.settle(connection);
  }

  #take(connection: Connection): void {
    this.#connections ??= new Set();
    this.#connections.add(connection);
    if (++this.connected === 1) this.#owner.onConnectivity(this);
  }

  /** A connection is no longer one of those that take requests. */
  #lose(connection: Connection): void {
    this.connected--;
    if (connection.aging) this.aging--;
    if (this.connected > 0) return;
    if (this.state.name === 'ready') this.state = IDLE;
    this.#owner.onConnectivity(this);
  }

  #forget(connection: Connection): void {
    this.#connections?.delete(connection);
    if (this.#connections?.size === 0) this.#connections = undefined;
  }

  /** Gives a connection to another endpoint. What it carries is to be passed on. */
  hand(connection: Connection, other: Endpoint): void {
    if (connection.stacked) this.#unstack(connection);
    this.#forget(connection);
    this.#lose(connection);
    if (this.opening === connection) this.opening = undefined;
    this.#owner.place(this);
    other.#adopt(connection);
  }

  /** Passes a request on to the endpoint that its connection was given to. */
  pass({ streaming }: { readonly streaming: boolean }, other: Endpoint): void {
    this.#count(-1, streaming);
    other.#count(1, streaming);
  }

  #count(requests: number, streaming: boolean): void {
    this.requests += requests;
    if (streaming) {
      this.lasting += requests;
      return;
    }
    this.inFlight += requests;
    this.load += requests;
    this.#owner.place(this);
  }

  #adopt(connection: Connection): void {
    connection.owner = this;
    this.#take(connection);
    if (connection.aging) this.aging++;
    this.opened++;
    this.protocol = connection.h2 ? 'h2' : 'h1';
    this.state = READY;
    this.settle(connection);
  }

  /** Puts the connection where it belongs after anything about it or its load changed. */
  settle(connection: Connection): void {
    if (connection.room) {
      if (!connection.stacked) this.#push(connection);
    } else if (connection.stacked) {
      this.#unstack(connection);
    }
    if (this.opening?.opening === false) this.opening = undefined;
    this.#owner.place(this);
  }

  drain(reason: RetireReason): void {
    this.state = DRAINING;
    for (const connection of this.connections) connection.retire(reason);
    this.#owner.place(this);
  }

  onRoom(connection: Connection): void {
    this.settle(connection);
    this.#owner.onRoom();
  }

  onAging(): boolean {
    this.aging++;
    const short = this.#isShort;
    if (short) this.#owner.onAging(this);
    return short;
  }

  onUsedAging(): boolean {
    const last = this.#staying === 0;
    if (last) this.#owner.onAging(this);
    return last;
  }

  outlives(): boolean {
    return this.state.name !== 'draining' && this.#owner.outlivesAge(this);
  }

  /** Connections that it will have when those have gone that age. */
  get #staying(): number {
    return this.connected - this.aging + this.dialing;
  }

  /**
   * Whether fewer connections will be left than the last moments' traffic needed. What was used last is used first,
   * so that those that a burst has left behind are not used, and need no successors.
   */
  get #isShort(): boolean {
    const staying = this.#staying;
    let needed = 0;
    for (const connection of this.connections) {
      if ((staying === 0 ? connection.used : connection.needed) && ++needed > staying) return true;
    }
    return false;
  }

  onRetired(connection: Connection): void {
    this.#lose(connection);
    this.retired++;
    if (connection.retired === 'closed-by-peer') {
      // It may have ended.
      if (this.connected === 0) this.heardAt = Number.NEGATIVE_INFINITY;
      if (connection.requests === 0) this.#onWasted();
    }
    this.settle(connection);
    this.#owner.onConnectionRetired(this, connection);
  }

  onClosed(connection: Connection): void {
    this.#forget(connection);
    this.#owner.onConnectionClosed(this);
  }

  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    this.#owner.onClientEvent(event, client, error);
  }

  #push(connection: Connection): void {
    connection.stacked = true;
    if (this.#bottom === undefined) {
      this.#top = connection;
      this.#bottom = connection;
    } else if (connection.requests === 0) {
      connection.above = this.#bottom;
      this.#bottom.below = connection;
      this.#bottom = connection;
    } else {
      connection.below = this.#top;
      this.#top!.above = connection;
      this.#top = connection;
    }
  }

  #unstack(connection: Connection): void {
    const { below, above } = connection;
    if (below !== undefined) below.above = above;
    else this.#bottom = above;
    if (above !== undefined) above.below = below;
    else this.#top = below;
    connection.stacked = false;
    connection.below = undefined;
    connection.above = undefined;
  }
}
