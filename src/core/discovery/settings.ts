import type { Clock } from '../base/clock.ts';
import type { Resolver } from './resolver.ts';

/** What discovery is told. Durations are in milliseconds. */
export interface DiscoverySettings {
  discovery: 'auto' | 'kubernetes' | 'dns' | Resolver;
  mesh: 'auto' | 'ignore';
  dns: DnsSettings;
  kubernetes: KubernetesSettings;
  clock: Clock;
  random: () => number;
}

export interface DnsSettings {
  /** `ip`, `ip:port` or `[ip]:port`; `undefined`: resolv.conf's. */
  servers: readonly string[] | undefined;
  minTtl: number;
  maxTtl: number;
  family: 'auto' | 4 | 6;
  negativeHold: number;
}

export interface KubernetesSettings {
  /** A kubeconfig's path; `undefined`: found by itself. */
  kubeconfig: string | undefined;
  namespace: string | undefined;
  clusterDomain: string | undefined;
  zone: string | undefined;
  nodeName: string | undefined;
}
