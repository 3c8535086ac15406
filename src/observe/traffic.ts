import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { monotonicNow } from '../core/base/clock.ts';
import { balancedSockets } from '../transports/balanced-sockets.ts';

/** A connection of some undici Client's. */
interface Connection {
  readonly address: AddressTraffic;
  /** On the monotonic clock. */
  readonly openedAt: number;
  /** Whether it carried a request since the last report. */
  used: boolean;
}

/** What went to one remote address since the last report. */
export interface AddressTraffic {
  /** `ip:port`. */
  readonly address: string;
  requests: number;
  /** Open now. */
  connections: number;
}

/** What went to one origin since the last report. */
export interface OriginTraffic {
  requests: number;
  /** Connections that carried a request since the last report. */
  used: number;
  readonly addresses: Map<string, AddressTraffic>;
  /** Open now. */
  readonly connections: Set<Connection>;
}

interface Sent {
  readonly request: { readonly origin?: string | URL | null };
  readonly headers: string;
  readonly socket: Socket;
}

/** The user agent that evenkeel gives itself. */
const OWN = 'evenkeel';
const MOST_ORIGINS = 256;
const MOST_ADDRESSES = 4_096;

/** Counts requests by where they go, from what undici publishes: that of npm and the one inside Node.js. */
export class Traffic {
  readonly origins = new Map<string, OriginTraffic>();
  readonly #onOrigin: (origin: string) => void;
  readonly #born = new WeakMap<Socket, number>();
  readonly #own = new WeakSet<Socket>();
  readonly #connections = new WeakMap<Socket, Connection>();
  /** Requests that node:http sent. */
  others = 0;
  /** Requests that an agent has balanced which was passed by hand. */
  balanced = 0;
  /** Requests to origins past the most that are watched. */
  unwatched = 0;

  /** `onOrigin` is called with each origin that is new. */
  constructor(onOrigin: (origin: string) => void) {
    this.#onOrigin = onOrigin;
  }

  /** Takes a message of `undici:client:connected`. */
  connected({ socket }: Pick<Sent, 'socket'>): void {
    this.#born.set(socket, monotonicNow());
  }

  /** Takes a message of `undici:client:sendHeaders`. */
  sent({ request, headers, socket }: Sent): void {
    const { origin: given } = request;
    const origin = typeof given === 'string' ? given : given?.origin;
    if (balancedSockets.has(socket)) {
      this.balanced++;
      return;
    }
    let connection = this.#connections.get(socket);
    if (origin === undefined || (connection === undefined && this.#isOwn(socket, headers))) return;
    const traffic = this.origins.get(origin) ?? this.#add(origin);
    if (traffic === undefined) this.unwatched++;
    connection ??= traffic && this.#open(traffic, socket);
    if (traffic === undefined || connection === undefined) return;
    traffic.requests++;
    connection.address.requests++;
    if (!connection.used) traffic.used++;
    connection.used = true;
  }

  /** Takes a message of `http.client.request.start`. */
  sentByOthers({ request }: { request: ClientRequest }): void {
    if (request.getHeader('user-agent') !== OWN) this.others++;
  }

  /** Starts to count anew. */
  reset(): void {
    this.others = 0;
    this.balanced = 0;
    this.unwatched = 0;
    for (const [origin, traffic] of this.origins) {
      traffic.requests = 0;
      traffic.used = 0;
      for (const connection of traffic.connections) connection.used = false;
      for (const [key, address] of traffic.addresses) {
        address.requests = 0;
        if (address.connections === 0) traffic.addresses.delete(key);
      }
      if (traffic.addresses.size === 0) this.origins.delete(origin);
    }
  }

  /** Whether it is evenkeel that speaks there, to the Kubernetes API. */
  #isOwn(socket: Socket, headers: string): boolean {
    if (this.#own.has(socket)) return true;
    if (!headers.includes(`user-agent: ${OWN}\r\n`)) return false;
    this.#own.add(socket);
    return true;
  }

  #add(origin: string): OriginTraffic | undefined {
    if (this.origins.size >= MOST_ORIGINS) return undefined;
    const traffic = { requests: 0, used: 0, addresses: new Map(), connections: new Set<Connection>() };
    this.origins.set(origin, traffic);
    this.#onOrigin(origin);
    return traffic;
  }

  #open(traffic: OriginTraffic, socket: Socket): Connection | undefined {
    const { remoteAddress, remotePort } = socket;
    // A Unix socket leads to no pod, and a closed one nowhere.
    if (remoteAddress === undefined || traffic.addresses.size >= MOST_ADDRESSES) return undefined;
    const key = remoteAddress.includes(':')
      ? `[${remoteAddress}]:${remotePort}`
      : `${remoteAddress}:${remotePort}`;
    let address = traffic.addresses.get(key);
    if (address === undefined) {
      address = { address: key, requests: 0, connections: 0 };
      traffic.addresses.set(key, address);
    }
    const connection = { address, openedAt: this.#born.get(socket) ?? monotonicNow(), used: false };
    address.connections++;
    traffic.connections.add(connection);
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      address.connections--;
      traffic.connections.delete(connection);
    });
    return connection;
  }
}
