import type { BalancingSettings } from '../balancing/settings.ts';
import type { Clock } from '../base/clock.ts';
import type { KubernetesSettings } from '../discovery/settings.ts';
import type { EndpointSettings } from '../endpoints/settings.ts';
import type { HealthSettings } from '../health/settings.ts';

/** The settings of connections. Durations are in milliseconds. */
export interface ConnectionSettings {
  /** `undefined`: 60 s behind a virtual IP, 5 min for visible pods. 0: no limit. */
  maxConnectionDuration: number | undefined;
  connectionDurationJitter: number;
  /** 0: no limit. */
  maxRequestsPerConnection: number;
  /** 0: for as long as the requests take. */
  drainTimeout: number;
  connectTimeout: number;
  /** How many connections an endpoint may have; `Infinity` without a limit. */
  connections: number;
  /** 0: no limit. */
  maxRequestsPerEndpoint: number;
  /** In lower case; `false`: evenkeel looks at no header. */
  identityHeader: string | false;
  maxSpread: number;
  /** `false` only in benchmarks, for comparison: connections retire before their successors are made. */
  makeBeforeBreak?: false;
}

/** The settings of one connection. */
export interface ConnectionOptions {
  clock: Clock;
  /** After how many milliseconds the connection retires; 0: never. */
  maxDuration: number;
  /** After how many requests it retires; 0: never. */
  maxRequests: number;
  /** How many milliseconds a retired connection may take to finish; 0: as long as it needs. */
  drainTimeout: number;
  /** How many milliseconds an unused connection may wait for its first request. */
  idleTimeout: number;
}

/** The settings of all endpoints of a service, and of their connections. */
export interface PoolSettings
  extends BalancingSettings,
    EndpointSettings,
    HealthSettings,
    ConnectionSettings {
  /** Where this process runs, if the options say so. */
  kubernetes: Pick<KubernetesSettings, 'zone' | 'nodeName'>;
}
