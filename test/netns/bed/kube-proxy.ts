import { createHash } from 'node:crypto';
import type { Namespace } from './namespace.ts';

/** A Service with a ClusterIP, whose port its pods listen on too. */
export interface ServiceSpec {
  /** Such as `prod/orders`. */
  readonly name: string;
  readonly clusterIp: string;
  readonly port: number;
}

/**
 * Keeps one Service's iptables rules as kube-proxy keeps them: each new connection goes to a pod drawn at random,
 * and stays there. What marks packets for masquerading is left out, since no pod calls itself here.
 * See https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/iptables/proxier.go
 */
export class KubeProxy {
  readonly #namespace: Namespace;
  readonly #service: ServiceSpec;
  readonly #serviceChain: string;
  #podChains: string[] = [];

  constructor(namespace: Namespace, service: ServiceSpec) {
    this.#namespace = namespace;
    this.#service = service;
    this.#serviceChain = `KUBE-SVC-${hashOf(service.name)}`;
    // The clients live on the node itself: what they send comes by OUTPUT, not by PREROUTING.
    this.#apply([
      ':KUBE-SERVICES - [0:0]',
      '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    ]);
  }

  /** Changes the pods behind the Service, in one step. Connections that stand stay where they are. */
  setPods(addresses: readonly string[]): void {
    const { name, clusterIp, port } = this.#service;
    const chain = this.#serviceChain;
    const pods = addresses.map((address) => ({
      destination: `${address}:${port}`,
      chain: `KUBE-SEP-${hashOf(name + address)}`,
    }));
    const chains = pods.map((pod) => pod.chain);
    const stale = this.#podChains.filter((known) => !chains.includes(known));
    // To declare a chain is to empty it.
    this.#apply([
      ...['KUBE-SERVICES', chain, ...chains, ...stale].map((declared) => `:${declared} - [0:0]`),
      `-A KUBE-SERVICES -m comment --comment "${name} cluster IP" -d ${clusterIp}/32 -p tcp -m tcp --dport ${port} -j ${chain}`,
      ...pods.flatMap((pod, index) => [
        `-A ${chain} -m comment --comment "${name} -> ${pod.destination}"${chance(pods.length - index)} -j ${pod.chain}`,
        `-A ${pod.chain} -m comment --comment ${name} -p tcp -m tcp -j DNAT --to-destination ${pod.destination}`,
      ]),
      ...stale.map((gone) => `-X ${gone}`),
    ]);
    this.#podChains = chains;
  }

  /** Loses all packets to and from an address. */
  drop(address: string): void {
    this.#filter('-A', address);
  }

  /** Ends what `drop` began. */
  restore(address: string): void {
    this.#filter('-D', address);
  }

  #filter(change: '-A' | '-D', address: string): void {
    this.#namespace.run('iptables', ['-w', '5', change, 'INPUT', '-d', address, '-j', 'DROP']);
    this.#namespace.run('iptables', ['-w', '5', change, 'OUTPUT', '-s', address, '-j', 'DROP']);
  }

  #apply(lines: readonly string[]): void {
    const rules = ['*nat', ...lines, 'COMMIT', ''].join('\n');
    this.#namespace.run('iptables-restore', ['-w', '5', '--noflush', '--counters'], rules);
  }
}

/** One of those that are left, each as likely; the last takes what comes to it. */
function chance(left: number): string {
  return left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16).toUpperCase();
}
