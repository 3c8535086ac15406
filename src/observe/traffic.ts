import type { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { monotonicNow } from '../core/base/clock.ts';
import { balancedSockets } from '../transports/balanced-sockets.ts';

/** A connection of some undici Client's, or of grpc-js. */
interface Connection {
  readonly origin: string;
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

/** What `http2.client.stream.start` tells of a stream, be it of grpc-js or of others. */
interface Begun {
  readonly stream: ClientHttp2Stream;
  readonly headers: OutgoingHttpHeaders;
}

/** What grpc-js puts into the user agent, among what the app has it put there. */
const GRPC_JS = 'grpc-node-js/';
/** The user agent that evenkeel gives itself. */
const OWN = 'evenkeel';
const MOST_ORIGINS = 256;
const MOST_ADDRESSES = 4_096;

/**
 * Counts requests by where they go: from what undici publishes, that of npm and the one inside Node.js, and the calls of
 * every copy of grpc-js from what Node.js publishes of its streams.
 */
export class Traffic {
  readonly origins = new Map<string, OriginTraffic>();
  readonly #onOrigin: (origin: string) => void;
  readonly #born = new WeakMap<Socket, number>();
  readonly #own = new WeakSet<Socket>();
  /** By its socket, or its session of HTTP/2. */
  readonly #connections = new WeakMap<object, Connection>();
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
    const connection = this.#connections.get(socket);
    if (origin === undefined || (connection === undefined && this.#isOwn(socket, headers))) return;
    this.#count(origin, connection, socket, socket, this.#born.get(socket));
  }

  /** Takes a message of `http2.client.stream.start`. */
  called({ stream: { session }, headers }: Begun): void {
    const { ':authority': authority, 'user-agent': agent } = headers;
    if (typeof agent !== 'string' || !agent.includes(GRPC_JS) || session === undefined) return;
    const connection = this.#connections.get(session);
    // What is dialled may be a pod; the name that servers are shown is that of the target, unless a call has its own.
    const origin = connection?.origin ?? targetOf(`${authority}`);
    if (origin !== undefined) this.#count(origin, connection, session, session.socket);
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

  /** @param carrier what stands for its connection, and closes with it */
  #count(
    origin: string,
    known: Connection | undefined,
    carrier: EventEmitter,
    socket: Pick<Socket, 'remoteAddress' | 'remotePort'>,
    openedAt?: number,
  ): void {
    const traffic = this.origins.get(origin) ?? this.#add(origin);
    if (traffic === undefined) this.unwatched++;
    const connection = known ?? (traffic && this.#open(origin, traffic, carrier, socket, openedAt));
    if (traffic === undefined || connection === undefined) return;
    traffic.requests++;
    connection.address.requests++;
    if (!connection.used) traffic.used++;
    connection.used = true;
  }

  #open(
    origin: string,
    traffic: OriginTraffic,
    carrier: EventEmitter,
    { remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>,
    openedAt = monotonicNow(),
  ): Connection | undefined {
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
    const connection = { origin, address, openedAt, used: false };
    address.connections++;
    traffic.connections.add(connection);
    this.#connections.set(carrier, connection);
    carrier.once('close', () => {
      address.connections--;
      traffic.connections.delete(connection);
    });
    return connection;
  }
}

/** The target whose name calls carry; without a port there, it is that of TLS. */
function targetOf(authority: string): string | undefined {
  const url = URL.parse(`grpc://${authority}`);
  return url === null ? undefined : `grpc://${url.hostname.toLowerCase()}:${url.port || 443}`;
}
