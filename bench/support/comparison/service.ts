import { setTimeout as delay } from 'node:timers/promises';
import { type DnsServer, startDnsServer } from '../../../test/support/dns-server.ts';
import { atExit } from '../at-exit.ts';
import { type Pods, startPods } from '../pods.ts';

export const NAME = 'orders.prod';
/** Seconds for which a DNS answer holds. */
const TTL = 1;

/** What clients of a Service need to know of it. */
export interface ServiceView {
  readonly port: number;
  /** Of the pods that are ready. */
  readonly addresses: readonly string[];
  /** Pods that there may be. */
  readonly most: number;
  readonly dns: { readonly address: string };
}

/** What kube-proxy does for each connection to the ClusterIP: a pod at random. */
export function anyPod({ addresses }: ServiceView): string {
  return addresses[Math.floor(Math.random() * addresses.length)]!;
}

/** A Service of pods that come and go, as its clients can see it: by DNS, or through a ClusterIP. */
export class ComparedService implements ServiceView {
  readonly pods: Pods;
  readonly dns: DnsServer;
  readonly port: number;
  /** Of the pods that are ready. */
  addresses: readonly string[] = [];

  constructor(pods: Pods, dns: DnsServer) {
    this.pods = pods;
    this.dns = dns;
    this.port = pods.port;
  }

  get most(): number {
    return this.pods.addresses.length;
  }

  /** Makes the first `ready` pods the only ones. */
  scale(ready: number): void {
    this.addresses = this.pods.addresses.slice(0, ready);
    this.dns.set(NAME, this.addresses, { ttl: TTL });
  }

  stop(): void {
    this.pods.stop();
  }
}

export interface ServiceOptions {
  pods: number;
  /** How many of them are ready at first. */
  ready: number;
  /** Milliseconds that a response takes. */
  delay: number;
  /** Whether pods name themselves; default no. */
  identified?: boolean;
}

export async function startService({
  pods: count,
  ready,
  delay: responseTime,
  identified = false,
}: ServiceOptions): Promise<ComparedService> {
  const pods = await startPods({ count, delay: responseTime, identified });
  const dns = await startDnsServer({ after: (fn) => atExit(() => void fn()) });
  const service = new ComparedService(pods, dns);
  service.scale(ready);
  // A moment, so that nobody asks before there is an answer.
  await delay(0);
  return service;
}
