import { Agent as HttpAgent } from 'node:http';
import { connect } from 'node:net';
import { Agent, buildConnector, type Dispatcher, interceptors, RoundRobinPool } from 'undici';
import type { Resolution } from '../../../src/core/discovery/resolver.ts';
import { BalancedHttpAgent } from '../../../src/http.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { KeepAliveAgent, textOf } from '../http-calling.ts';
import { anyPod, NAME, type ServiceView } from './service.ts';
import { type Sidecar, sidecarObstacle, startHaproxy, startNginxProxy } from './sidecars.ts';

/** One way to call a Service. */
export interface Contender {
  /** Sends a request, and gives the body of the response. */
  send(): Promise<string>;
  close(): Promise<void>;
  /** The process of the proxy, if it is one. */
  readonly proxy: number | undefined;
}

export interface ContenderOptions {
  /** Milliseconds after which a connection is replaced, of those who can do that. */
  maxAge: number;
  /** Connections of those who have to be told how many. */
  connections: number;
}

export type Start = (service: ServiceView, options: ContenderOptions) => Promise<Contender> | Contender;

/** The one whose pods name themselves, as with `evenkeel/identify`. */
export const BY_NAME = 'evenkeel, ClusterIP, identify';

/** Those who see a ClusterIP only, then those who see the pods, then those with a proxy beside them. */
export const CONTENDERS: Readonly<Record<string, Start>> = {
  'undici Agent, ClusterIP': (service) => by(new Agent({ connect: clusterIP(service) }), service),

  'node:http Agent, ClusterIP': (service) =>
    byNodeHttp(throughClusterIP(HttpAgent, service, { keepAlive: true }), service),

  'agentkeepalive, ClusterIP': (service, { maxAge }) =>
    byNodeHttp(throughClusterIP(KeepAliveAgent, service, { socketActiveTTL: maxAge }), service),

  'RoundRobinPool + clientTtl, ClusterIP': (service, { maxAge, connections }) =>
    by(
      new RoundRobinPool(`http://${NAME}:${service.port}`, {
        connections,
        clientTtl: maxAge,
        connect: clusterIP(service),
      }),
      service,
    ),

  'evenkeel, ClusterIP': (service, { maxAge }) =>
    by(
      new BalancedAgent({
        discovery: () => toClusterIP(service.port),
        maxConnectionDuration: maxAge,
        connect: clusterIP(service),
      }),
      service,
    ),

  // As the one before: what is different is the pods.
  [BY_NAME]: (service, options) => CONTENDERS['evenkeel, ClusterIP']!(service, options),

  'undici dns interceptor, headless': (service) => by(new Agent().compose(dnsOf(service)), service),

  'evenkeel, headless': (service) =>
    by(new BalancedAgent({ discovery: 'dns', dns: { servers: [service.dns.address] } }), service),

  'evenkeel/http, headless': (service) =>
    byNodeHttp(new BalancedHttpAgent({ discovery: 'dns', dns: { servers: [service.dns.address] } }), service),

  'HAProxy sidecar': async (service) => behind(await startHaproxy(service)),

  'nginx sidecar': async (service) => behind(await startNginxProxy(service)),
};

/** The names of those that can be had here. */
export function availableContenders(): string[] {
  return Object.keys(CONTENDERS).filter((name) => {
    if (!name.endsWith('sidecar')) return true;
    const obstacle = sidecarObstacle(name.startsWith('HAProxy') ? 'haproxy' : 'nginx');
    if (obstacle !== undefined) console.error(`${name} is left out: ${obstacle}`);
    return obstacle === undefined;
  });
}

function by(dispatcher: Dispatcher, { port }: ServiceView): Contender {
  return through(dispatcher, `http://${NAME}:${port}`);
}

export function behind(sidecar: Sidecar): Contender {
  return through(new Agent(), sidecar.origin, sidecar);
}

function through(dispatcher: Dispatcher, origin: string, sidecar?: Sidecar): Contender {
  return {
    proxy: sidecar?.pid,
    async send() {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
      return body.text();
    },
    async close() {
      await dispatcher.close();
      sidecar?.stop();
    },
  };
}

async function* toClusterIP(port: number): AsyncGenerator<Resolution> {
  yield { endpoints: [{ address: '10.96.0.1', port }], source: 'dns', virtual: true };
}

/** Connects to a pod of the Service's choice, whatever the name. */
function clusterIP(service: ServiceView): buildConnector.connector {
  const dial = buildConnector({});
  return (options, callback) =>
    dial({ ...options, hostname: anyPod(service), port: String(service.port) }, callback);
}

function dnsOf(service: ServiceView): Dispatcher.DispatcherComposeInterceptor {
  return interceptors.dns({
    maxTTL: 1_000,
    dualStack: false,
    affinity: 4,
    lookup: (_origin, _options, callback) => {
      callback(
        null,
        service.addresses.map((address) => ({ address, family: 4 as const, ttl: 1_000 })),
      );
    },
  });
}

/** Agents of node:http that connect to a pod of the Service's choice, whatever the name. */
function throughClusterIP(
  Base: new (options: object) => HttpAgent,
  service: ServiceView,
  options: object,
): HttpAgent {
  class ThroughClusterIP extends Base {
    override createConnection(): ReturnType<typeof connect> {
      return connect(service.port, anyPod(service));
    }
  }
  return new ThroughClusterIP(options);
}

function byNodeHttp(agent: HttpAgent, { port }: ServiceView): Contender {
  return {
    send: () => textOf({ host: NAME, port, agent }),
    proxy: undefined,
    async close() {
      agent.destroy();
    },
  };
}
