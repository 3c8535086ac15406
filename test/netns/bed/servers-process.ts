import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { serve } from './peer.ts';
import { Pod, type PodCounts, type PodSpec } from './pod.ts';
import { type ProxySpec, startProxy } from './proxy.ts';

const pods: Pod[] = [];
let dns: DnsServer;

const methods = {
  async startPods(specs: readonly PodSpec[]): Promise<void> {
    pods.push(...specs.map((spec) => new Pod(spec)));
    await Promise.all(pods.map((pod) => pod.listen()));
  },

  /** Returns its address. */
  async startDns(host: string): Promise<string> {
    // It ends with the process.
    dns = await startDnsServer({ after() {} }, { host });
    return dns.address;
  },

  startProxy(spec: ProxySpec): Promise<void> {
    return startProxy(spec);
  },

  stop(pod: number): void {
    pods[pod]!.stop();
  },

  setName(name: string, addresses: readonly string[], ttl: number): void {
    dns.set(name, addresses, { ttl });
  },

  /** In the order of the pods. */
  counts(): PodCounts[] {
    return pods.map((pod) => pod.counts);
  },
};

export type ServersMethods = typeof methods;

serve(methods);
