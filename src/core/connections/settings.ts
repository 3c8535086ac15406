import type { BalancingSettings } from '../balancing/settings.ts';
import type { Clock } from '../base/clock.ts';
import type { KubernetesSettings } from '../discovery/settings.ts';
import type { EndpointSettings } from '../endpoints/settings.ts';
import type { HealthSettings } from '../health/settings.ts';

/** What is said of connections, and of those that are made. Durations are in milliseconds. */
export interface ConnectionSettings {
  /** `undefined`: 60 s behind a virtual IP, 5 min for visible pods. 0: no cap. */
  maxConnectionDuration: number | undefined;
  connectionDurationJitter: number;
  /** 0: no cap. */
  maxRequestsPerConnection: number;
  /** 0: as long as it takes. */
  drainTimeout: number;
  connectTimeout: number;
  /** Connections an endpoint may have; `Infinity` without a limit. */
  connections: number;
  /** 0: no limit. */
  maxRequestsPerEndpoint: number;
  /** In lower case; `false`: none is looked at. */
  identityHeader: string | false;
  maxSpread: number;
  /** `false` for contrast, where rotation is measured: connections retire before there are others. */
  makeBeforeBreak?: false;
}

/** What one connection is told as it is made. */
export interface ConnectionOptions {
  clock: Clock;
  /** Milliseconds from now after which the connection is retired; 0: never. */
  maxDuration: number;
  /** Requests after which it is retired; 0: no limit. */
  maxRequests: number;
  /** Milliseconds a retired connection may still take for what it carries; 0: as long as it needs. */
  drainTimeout: number;
  /** Milliseconds an unused connection may wait for its first request. */
  idleTimeout: number;
}

/** What the endpoints of a service, and the connections to them, are told. */
export interface PoolSettings
  extends BalancingSettings,
    EndpointSettings,
    HealthSettings,
    ConnectionSettings {
  /** Where we are, as far as it is set. */
  kubernetes: Pick<KubernetesSettings, 'zone' | 'nodeName'>;
}
