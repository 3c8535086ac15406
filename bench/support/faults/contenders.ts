import { Agent as HttpAgent } from 'node:http';
import { connect as connectTo } from 'node:net';
import { Agent, buildConnector, type Dispatcher, interceptors, RoundRobinPool } from 'undici';
import type { EndpointAddress, Resolver } from '../../../src/core/discovery/resolver.ts';
import { BalancedHttpAgent } from '../../../src/http.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { KeepAliveAgent, responseTo } from '../http-calling.ts';

export const CONTENDERS = [
  'evenkeel',
  'evenkeel/http',
  'undici',
  'round-robin-pool',
  'dns+retry',
  'node:http',
  'agentkeepalive',
  'haproxy',
  'nginx',
] as const;
export type Contender = (typeof CONTENDERS)[number];

/** Ours, of which something is demanded. */
export const OURS: readonly Contender[] = ['evenkeel', 'evenkeel/http'];

/** What is sent, to the path `/orders`. */
export interface Request {
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

export interface Answer {
  readonly statusCode: number;
  readonly pod: string | undefined;
}

/** An HTTP client, which fails what is still under way when it is destroyed. */
export interface Client {
  send(request: Request): Promise<Answer>;
  destroy(): Promise<void> | void;
}

/** Milliseconds for which a DNS answer holds. */
const TTL = 1_000;
/** Milliseconds after which those who do that replace a connection. */
const MAX_AGE = 60_000;
const PATH = '/orders';

/** The pods that are ready, as clients are told. */
export class Membership {
  endpoints: readonly EndpointAddress[];
  #changed = Promise.withResolvers<void>();
  #turn = 0;

  constructor(endpoints: readonly EndpointAddress[]) {
    this.endpoints = endpoints;
  }

  set(endpoints: readonly EndpointAddress[]): void {
    this.endpoints = endpoints;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** The pod for a connection: one after the other, as kube-proxy has it behind a ClusterIP. */
  next(): EndpointAddress {
    return this.endpoints[this.#turn++ % this.endpoints.length]!;
  }
}

const CREATE: Record<Contender, (origin: string, members: Membership) => Client> = {
  evenkeel: (origin, members) => by(new BalancedAgent({ discovery: resolverOf(members) }), origin),

  undici: (origin, members) => by(new Agent({ connect: clusterIP(members) }), origin),

  'round-robin-pool': (origin, members) => {
    const connect = clusterIP(members);
    return by(new RoundRobinPool(origin, { connections: 10, clientTtl: MAX_AGE, connect }), origin);
  },

  'dns+retry': (origin, members) => {
    const dns = interceptors.dns({
      maxTTL: TTL,
      dualStack: false,
      affinity: 4,
      lookup: (_origin, _options, callback) => {
        const records = members.endpoints.map(({ address }) => ({ address, family: 4 as const, ttl: TTL }));
        callback(null, records);
      },
    });
    return by(new Agent().compose(dns, interceptors.retry()), origin);
  },

  'evenkeel/http': (origin, members) =>
    byNodeHttp(new BalancedHttpAgent({ discovery: resolverOf(members) }), origin),

  'node:http': (origin, members) =>
    byNodeHttp(throughClusterIP(HttpAgent, members, { keepAlive: true }), origin),

  agentkeepalive: (origin, members) =>
    byNodeHttp(throughClusterIP(KeepAliveAgent, members, { socketActiveTTL: MAX_AGE }), origin),

  // They balance; the client has nothing but one address.
  haproxy: (origin) => by(new Agent(), origin),
  nginx: (origin) => by(new Agent(), origin),
};

export function createClient(contender: Contender, origin: string, members: Membership): Client {
  return CREATE[contender](origin, members);
}

function by(dispatcher: Dispatcher, origin: string): Client {
  return {
    async send({ method, headers, body = null }) {
      const options = { origin, path: PATH, method, headers, body };
      const { statusCode, headers: received, body: content } = await dispatcher.request(options);
      await content.dump();
      return { statusCode, pod: received['x-pod'] as string | undefined };
    },
    destroy: () => dispatcher.destroy(),
  };
}

/** Agents of node:http that connect to the next pod, whatever the name. */
function throughClusterIP(
  Base: new (options: object) => HttpAgent,
  members: Membership,
  options: object,
): HttpAgent {
  class ThroughClusterIP extends Base {
    override createConnection(): ReturnType<typeof connectTo> {
      const { address, port } = members.next();
      return connectTo(port, address);
    }
  }
  return new ThroughClusterIP(options);
}

function byNodeHttp(agent: HttpAgent, origin: string): Client {
  const { hostname: host, port } = new URL(origin);
  return {
    async send({ method, headers, body }) {
      const response = await responseTo({ host, port, path: PATH, method, headers, agent }, body);
      for await (const _ of response);
      return { statusCode: response.statusCode!, pod: response.headers['x-pod'] as string | undefined };
    },
    destroy: () => agent.destroy(),
  };
}

function clusterIP(members: Membership): buildConnector.connector {
  const connect = buildConnector({});
  return (options, callback) => {
    const { address, port } = members.next();
    connect({ ...options, hostname: address, port: String(port) }, callback);
  };
}

function resolverOf(members: Membership): Resolver {
  return async function* (_target, signal) {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const changed = members.changed();
      yield { endpoints: members.endpoints, source: 'bench', pushed: true };
      await Promise.race([changed, aborted]);
    }
  };
}
