import type { EventEmitter } from 'node:events';
import type { Agent, ClientRequest } from 'node:http';
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { monotonicNow } from '../core/base/clock.ts';
import { balancedSockets } from '../transports/balanced-sockets.ts';

/** Who sends requests. What evenkeel would do with them depends on that. */
export type ClientName = 'undici' | 'node:http' | 'grpc' | 'connect';

/** An origin, as one of the clients calls it. */
export interface Target {
  /** A key that no other target has. */
  readonly key: string;
  readonly client: ClientName;
  /** For gRPC, it is `grpc://host:port`. */
  readonly origin: string;
}

/** A connection of an undici Client, of an agent of Node, of grpc-js or of connect-node. */
interface Connection {
  readonly target: OriginTraffic;
  readonly address: AddressTraffic;
  /** When it was opened, on the monotonic clock. */
  readonly openedAt: number;
  /** Whether it carried a request since the last report. */
  used: boolean;
}

/** What went to one address since the last report. */
export interface AddressTraffic {
  /** `ip:port`. */
  readonly address: string;
  requests: number;
  /** How many are open now. */
  connections: number;
}

/** What one client sent to one origin since the last report. */
export interface OriginTraffic extends Target {
  requests: number;
  /** How many connections carried a request since the last report. */
  used: number;
  readonly addresses: Map<string, AddressTraffic>;
  /** The connections that are open now. */
  readonly connections: Set<Connection>;
}

/** Whether evenkeel would leave a request of node:http to its agent, whatever its host. */
export type IsLeftToNode = (agent: Agent, options: { host: string; port: number }) => boolean;

/** The message of `undici:client:sendHeaders`. */
export interface Sent {
  readonly request: { readonly origin?: string | URL | null };
  readonly headers: string;
  readonly socket: Socket;
}

/** The message of `http2.client.stream.start`: a stream of grpc-js, of connect-node or of other code. */
export interface Begun {
  readonly stream: ClientHttp2Stream;
  readonly headers: OutgoingHttpHeaders;
}

/** An agent of Node, as its requests use it. */
type NodeAgent = Agent & { readonly protocol?: string };

/** The fields of a request of node:http that have no type. */
interface NodeRequest {
  readonly agent?: NodeAgent | null;
  readonly host: string;
}

/** A socket that is about to start TLS. */
interface Connecting {
  readonly secureConnecting: boolean;
}

/** grpc-js has this in its user agent, beside what the app adds. */
const GRPC_JS = 'grpc-node-js/';
/** connect-node has this in its user agent, unless the app sets another one. */
const CONNECT = 'connect-es/';
/** evenkeel's own user agent. */
const OWN = 'evenkeel';
const MOST_ORIGINS = 256;
const MOST_ADDRESSES = 4_096;

/**
 * Counts requests by where they go. It learns about them from what undici publishes (that of npm, and the one inside
 * Node.js), and from what Node.js publishes about node:http and about the calls of every copy of grpc-js and
 * connect-node.
 */
export class Traffic {
  /** By their keys. */
  readonly targets = new Map<string, OriginTraffic>();
  readonly #onTarget: (target: Target) => void;
  readonly #isLeftToNode: IsLeftToNode;
  readonly #born = new WeakMap<Socket, number>();
  readonly #own = new WeakSet<Socket>();
  /** By socket, or by HTTP/2 session. */
  readonly #connections = new WeakMap<object, Connection>();
  /** How many requests of node:http evenkeel would leave to their agents. */
  leftToNode = 0;
  /** How many requests evenkeel has balanced, with agents that code passes. */
  balanced = 0;
  /** How many requests went to origins beyond the number that is watched. */
  unwatched = 0;

  /** @param onTarget is called with each new target */
  constructor(onTarget: (target: Target) => void, isLeftToNode: IsLeftToNode) {
    this.#onTarget = onTarget;
    this.#isLeftToNode = isLeftToNode;
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
    this.#count('undici', origin, connection, socket, socket, this.#born.get(socket));
  }

  /** Takes a message of `http2.client.stream.start`. */
  called({ stream: { session }, headers }: Begun): void {
    const { ':authority': authority, 'user-agent': agent } = headers;
    if (typeof agent !== 'string' || session === undefined) return;
    const client = agent.includes(GRPC_JS) ? 'grpc' : agent.includes(CONNECT) ? 'connect' : undefined;
    if (client === undefined) return;
    const connection = this.#connections.get(session);
    const scheme = client === 'grpc' ? 'grpc' : session.encrypted ? 'https' : 'http';
    // A call may be dialled to a pod. The target has the name that servers see, unless a call sets its own.
    const origin = connection?.target.origin ?? originIn(scheme, `${authority}`);
    if (origin !== undefined) this.#count(client, origin, connection, session, session.socket);
  }

  /** Takes a message of `http.client.request.start`. */
  sentByNode({ request }: { request: ClientRequest }): void {
    const { socket } = request;
    if (socket === null || request.getHeader('user-agent') === OWN) return;
    const isSecuring = (socket as Partial<Connecting>).secureConnecting === true;
    if (!isSecuring && !socket.connecting) {
      this.#sentByNode(request, socket);
      return;
    }
    // Before that, nobody knows where it leads.
    socket.once(isSecuring ? 'secureConnect' : 'connect', () => {
      try {
        this.#sentByNode(request, socket);
      } catch {
        // The agent may be of an unknown kind. That must not hurt the app.
      }
    });
  }

  #sentByNode({ agent, host }: NodeRequest, socket: Socket): void {
    if (balancedSockets.has(socket)) {
      this.balanced++;
      return;
    }
    const { remotePort: port } = socket;
    // A Unix socket leads to no pod.
    if (agent == null || port === undefined || this.#isLeftToNode(agent, { host, port })) {
      this.leftToNode++;
      return;
    }
    const connection = this.#connections.get(socket);
    const origin = connection?.target.origin ?? originOf(agent, host, port);
    if (origin !== undefined) this.#count('node:http', origin, connection, socket, socket);
  }

  /** Starts the counts again from 0. */
  reset(): void {
    this.leftToNode = 0;
    this.balanced = 0;
    this.unwatched = 0;
    for (const [key, traffic] of this.targets) {
      traffic.requests = 0;
      traffic.used = 0;
      for (const connection of traffic.connections) connection.used = false;
      for (const address of traffic.addresses.values()) {
        address.requests = 0;
        if (address.connections === 0) traffic.addresses.delete(address.address);
      }
      if (traffic.addresses.size === 0) this.targets.delete(key);
    }
  }

  /** Whether evenkeel itself sends there, to the Kubernetes API. */
  #isOwn(socket: Socket, headers: string): boolean {
    if (this.#own.has(socket)) return true;
    if (!headers.includes(`user-agent: ${OWN}\r\n`)) return false;
    this.#own.add(socket);
    return true;
  }

  #targetOf(client: ClientName, origin: string): OriginTraffic | undefined {
    const key = `${client} ${origin}`;
    return this.targets.get(key) ?? this.#add({ key, client, origin });
  }

  #add(target: Target): OriginTraffic | undefined {
    if (this.targets.size >= MOST_ORIGINS) return undefined;
    const counts = { requests: 0, used: 0, addresses: new Map(), connections: new Set<Connection>() };
    const traffic = { ...target, ...counts };
    this.targets.set(target.key, traffic);
    this.#onTarget(target);
    return traffic;
  }

  /** @param carrier the object that stands for its connection, and closes with it */
  #count(
    client: ClientName,
    origin: string,
    known: Connection | undefined,
    carrier: EventEmitter,
    socket: Pick<Socket, 'remoteAddress' | 'remotePort'>,
    openedAt?: number,
  ): void {
    // If several origins are behind a proxy, a connection may carry requests to all of them.
    const traffic = known?.target.origin === origin ? known.target : this.#targetOf(client, origin);
    if (traffic === undefined) this.unwatched++;
    const connection = known ?? (traffic && this.#open(traffic, carrier, socket, openedAt));
    if (traffic === undefined || connection === undefined) return;
    traffic.requests++;
    connection.address.requests++;
    if (!connection.used) traffic.used++;
    connection.used = true;
  }

  #open(
    traffic: OriginTraffic,
    carrier: EventEmitter,
    { remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>,
    openedAt = monotonicNow(),
  ): Connection | undefined {
    // A Unix socket leads to no pod, and a closed socket nowhere.
    if (remoteAddress === undefined || traffic.addresses.size >= MOST_ADDRESSES) return undefined;
    const key = remoteAddress.includes(':')
      ? `[${remoteAddress}]:${remotePort}`
      : `${remoteAddress}:${remotePort}`;
    let address = traffic.addresses.get(key);
    if (address === undefined) {
      address = { address: key, requests: 0, connections: 0 };
      traffic.addresses.set(key, address);
    }
    const connection = { target: traffic, address, openedAt, used: false };
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

/** The origin of a request of node:http, whose socket has connected to this port. */
function originOf({ protocol }: NodeAgent, host: string, port: number): string | undefined {
  return URL.parse(`${protocol}//${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`)
    ?.origin;
}

/** The origin in the `:authority` of a call. If it has no port, a gRPC target has the port of TLS. */
function originIn(scheme: 'grpc' | 'http' | 'https', authority: string): string | undefined {
  const url = URL.parse(`${scheme}://${authority}`);
  if (url === null || scheme !== 'grpc') return url?.origin;
  return `grpc://${url.hostname.toLowerCase()}:${url.port || 443}`;
}
