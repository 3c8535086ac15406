import type { ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { certificateFor } from '../../support/certificate.ts';
import type { ClientSpec, ClientsMethods } from './clients-process.ts';
import { KubeProxy } from './kube-proxy.ts';
import type { LoadReport } from './load-client.ts';
import { type Namespace, startNamespace } from './namespace.ts';
import { Peer } from './peer.ts';
import type { PodCounts, PodSpec, Protocol } from './pod.ts';
import type { ProxyKind } from './proxy.ts';
import type { ServersMethods } from './servers-process.ts';

export interface BedOptions {
  /** Pods that run. */
  readonly pods: number;
  /** How many of them are behind the Service at first; default all. */
  readonly ready?: number;
  /** Default `http`. */
  readonly protocol?: Protocol;
  /** Milliseconds that each request takes; default 10. */
  readonly work?: number;
  /** Milliseconds for which pods keep connections that carry nothing; default 5,000, as Node.js has it. */
  readonly keepAlive?: number;
  /** What DNS answers with: the ClusterIP, or the pods themselves. Default `cluster-ip`. */
  readonly exposed?: Exposure;
  /** Which of the pods are processes of their own, with `evenkeel/identify`; default none. */
  readonly identified?: (pod: number) => boolean;
}

export type Exposure = 'cluster-ip' | 'headless';

const HOSTNAME = 'orders.prod.svc.cluster.local';
const SERVICE = { name: 'prod/orders', clusterIp: '10.96.0.20', port: 8080 };
const SERVICE_SUBNET = '10.96.0.0/12';
const NODE = '10.244.0.1';
const NAME_SERVER = '10.244.0.2';
const PROXY = '10.244.0.3';
const IDENTIFY = new URL('../../../src/identify.ts', import.meta.url);
/** Seconds for which DNS answers hold. */
const TTL = 1;

/**
 * Starts a node with clients, and a Service with pods, of its own: iptables rules like kube-proxy's, addresses and
 * DNS, in a network namespace that ends with the test.
 *
 * ```ts
 * const bed = await startBed(t, { pods: 10, ready: 3 });
 * const client = await bed.startClient('evenkeel', { spread: 8 });
 * const loading = client.steady(500, 10);
 * await bed.scale(10);
 * await loading;
 * await bed.counts();
 * ```
 */
export async function startBed(t: TestContext, options: BedOptions): Promise<Bed> {
  const { pods: count, ready = count, protocol = 'http', work = 10, exposed = 'cluster-ip' } = options;
  const { identified = () => false, keepAlive = 5_000 } = options;
  const namespace = startNamespace(t);
  const tls = certificateFor(`DNS:${HOSTNAME}`);
  const pods = Array.from({ length: count }, (_, n): PodSpec => {
    const address = `10.244.1.${n + 1}`;
    return { name: `orders-${n}`, address, port: SERVICE.port, protocol, work, keepAlive, tls };
  });
  namespace.addAddresses([NODE, NAME_SERVER, PROXY, ...pods.map(({ address }) => address)]);
  namespace.addRoute(SERVICE_SUBNET);
  const startServers = (preloads: readonly URL[] = []) =>
    new Peer<ServersMethods>(namespace.fork(new URL('./servers-process.ts', import.meta.url), [], preloads));
  const common = startServers();
  const clients = new Peer<ClientsMethods>(namespace.fork(new URL('./clients-process.ts', import.meta.url)));
  const servers = pods.map((_, n) => (identified(n) ? startServers([IDENTIFY]) : common));
  await Promise.all(
    [...new Set(servers)].map((peer) =>
      peer.call(
        'startPods',
        pods.filter((_, n) => servers[n] === peer),
      ),
    ),
  );
  const dns = await common.call('startDns', NAME_SERVER);
  const origin = `${/https|h2$/.test(protocol) ? 'https' : 'http'}://${HOSTNAME}:${SERVICE.port}`;
  const target = { origin, dns, ca: tls.cert };
  const addresses = pods.map(({ address }) => address);
  const bed = new Bed(namespace, { common, pods: servers }, clients, addresses, target);
  await bed.expose(exposed);
  await bed.scale(ready);
  return bed;
}

/** The processes of servers: one for each pod, which some share, and the common one, which is the name server's too. */
interface Servers {
  readonly common: Peer<ServersMethods>;
  readonly pods: readonly Peer<ServersMethods>[];
}

/** One Service, its pods and its clients. */
export class Bed {
  readonly kubeProxy: KubeProxy;
  /** Of all pods, those that aren't behind the Service included. */
  readonly addresses: readonly string[];
  readonly #namespace: Namespace;
  readonly #servers: Servers;
  readonly #clients: Peer<ClientsMethods>;
  readonly #target: Pick<ClientSpec, 'origin' | 'dns' | 'ca'>;
  #ready: readonly string[] = [];
  #exposed: Exposure = 'cluster-ip';

  constructor(
    namespace: Namespace,
    servers: Servers,
    clients: Peer<ClientsMethods>,
    addresses: readonly string[],
    target: Pick<ClientSpec, 'origin' | 'dns' | 'ca'>,
  ) {
    this.#namespace = namespace;
    this.kubeProxy = new KubeProxy(namespace, SERVICE);
    this.addresses = addresses;
    this.#servers = servers;
    this.#clients = clients;
    this.#target = target;
  }

  /** Puts the first `count` pods behind the Service, and no others. */
  scale(count: number): Promise<void> {
    return this.select((pod) => pod < count);
  }

  /** Puts these pods behind the Service, and no others. */
  select(isReady: (pod: number) => boolean): Promise<void> {
    this.#ready = this.addresses.filter((_, pod) => isReady(pod));
    this.kubeProxy.setPods(this.#ready);
    return this.#publish();
  }

  /** Puts a proxy behind the Service, which passes requests on to all pods. */
  async interpose(kind: ProxyKind): Promise<void> {
    const { port } = SERVICE;
    await this.#servers.common.call('startProxy', { kind, address: PROXY, port, pods: this.addresses });
    this.kubeProxy.setPods([PROXY]);
  }

  /** A pod takes no more connections, and ends those that it has. */
  stop(pod: number): Promise<void> {
    return this.#servers.pods[pod]!.call('stop', this.#placeOf(pod));
  }

  /** The number of a pod among those of its process. */
  #placeOf(pod: number): number {
    const { pods } = this.#servers;
    return pods.slice(0, pod).filter((peer) => peer === pods[pod]).length;
  }

  /** Says what DNS answers with from now on. */
  expose(exposed: Exposure): Promise<void> {
    this.#exposed = exposed;
    return this.#publish();
  }

  /** Starts a client, with options of the dispatcher's own. */
  async startClient(dispatcher: ClientSpec['dispatcher'], options: object = {}): Promise<BedClient> {
    const id = await this.#clients.call('start', { dispatcher, options, ...this.#target });
    return new BedClient(this.#clients, id);
  }

  /** Starts a script that is given where the Service is, and options, as JSON. */
  fork(script: URL, options: object): ChildProcess {
    return this.#namespace.fork(script, [JSON.stringify({ ...this.#target, options })]);
  }

  /** What each pod has seen so far. */
  async counts(): Promise<PodCounts[]> {
    const { pods } = this.#servers;
    const peers = [...new Set(pods)];
    const counts = await Promise.all(peers.map((peer) => peer.call('counts')));
    return pods.map((peer, pod) => counts[peers.indexOf(peer)]![this.#placeOf(pod)]!);
  }

  /** The same at the end of each of the next `seconds` seconds, and now: one more than that. */
  async countsEachSecond(seconds: number): Promise<PodCounts[][]> {
    const start = performance.now();
    const samples = [await this.counts()];
    for (let second = 1; second <= seconds; second++) {
      await delay(start + second * 1_000 - performance.now());
      samples.push(await this.counts());
    }
    return samples;
  }

  #publish(): Promise<void> {
    const addresses = this.#exposed === 'headless' ? this.#ready : [SERVICE.clusterIp];
    return this.#servers.common.call('setName', HOSTNAME, addresses, TTL);
  }
}

/** A client in the namespace. See `LoadClient` for what it does. */
export class BedClient {
  readonly #process: Peer<ClientsMethods>;
  readonly #id: number;

  constructor(clients: Peer<ClientsMethods>, id: number) {
    this.#process = clients;
    this.#id = id;
  }

  steady(rate: number, seconds: number, atOnce = 8): Promise<LoadReport> {
    return this.#process.call('steady', this.#id, rate, seconds, atOnce);
  }

  bursts(size: number, times: number, seconds: number): Promise<LoadReport> {
    return this.#process.call('bursts', this.#id, size, times, seconds);
  }

  flatOut(requests: number, concurrency: number): Promise<LoadReport> {
    return this.#process.call('flatOut', this.#id, requests, concurrency);
  }

  openWebSockets(count: number): Promise<void> {
    return this.#process.call('openWebSockets', this.#id, count);
  }

  echoes(): Promise<number> {
    return this.#process.call('echoes', this.#id);
  }

  destroy(): Promise<void> {
    return this.#process.call('destroy', this.#id);
  }
}
