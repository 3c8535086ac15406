import type { Clock } from '../base/clock.ts';
import type { Resolver } from './resolver.ts';

/** The settings of discovery. Durations are in milliseconds. */
export interface DiscoverySettings {
  discovery: 'auto' | 'kubernetes' | 'dns' | Resolver;
  mesh: 'auto' | 'ignore';
  dns: DnsSettings;
  kubernetes: KubernetesSettings;
  clock: Clock;
  random: () => number;
}

export interface DnsSettings {
  /** Each is `ip`, `ip:port` or `[ip]:port`. `undefined`: those of resolv.conf. */
  servers: readonly string[] | undefined;
  minTtl: number;
  maxTtl: number;
  family: 'auto' | 4 | 6;
  negativeHold: number;
}

export interface KubernetesSettings {
  /** The path of a kubeconfig. `undefined`: evenkeel finds it. */
  kubeconfig: string | undefined;
  namespace: string | undefined;
  clusterDomain: string | undefined;
  zone: string | undefined;
  nodeName: string | undefined;
}
