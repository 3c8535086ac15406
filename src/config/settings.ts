import type { Client, Dispatcher } from 'undici';
import type { PickerFactory } from '../core/balancing/picker.ts';
import type { Clock } from '../core/base/clock.ts';
import type { Resolver } from '../core/discovery/resolver.ts';

/** What options and variables come to: checked, complete, durations in milliseconds. */
export interface Settings {
  /** `undefined`: 60 s behind a virtual IP, 5 min for visible pods. 0: no cap. */
  maxConnectionDuration: number | undefined;
  connectionDurationJitter: number;
  maxRequestsPerConnection: number;
  drainTimeout: number;
  connectTimeout: number;
  /** Connections an endpoint may have; `Infinity` without a limit. */
  connections: number;
  spread: number;
  /** In lower case. */
  identityHeader: string | undefined;
  maxSpread: number;
  policy: 'least-request' | 'round-robin' | 'peak-ewma' | 'ring-hash' | PickerFactory;
  peakEwma: PeakEwmaSettings;
  ringHash: RingHashSettings;
  discovery: 'auto' | 'kubernetes' | 'dns' | Resolver;
  /** Globs of the names that are managed, `!` excludes; `undefined`: not said. */
  hosts: readonly string[] | undefined;
  mesh: 'auto' | 'ignore';
  locality: 'off' | 'zone' | 'node';
  subset: SubsetSettings;
  dns: DnsSettings;
  kubernetes: KubernetesSettings;
  /** 0: no limit. */
  maxRequestsPerEndpoint: number;
  /** `false`: requests are sent once, come what may. */
  retry: RetrySettings | false;
  slowStart: SlowStartSettings;
  /** `false`: nothing is ejected. */
  outlierDetection: OutlierSettings | false;
  healthCheck: HealthCheckSettings;
  maxPendingRequests: number;
  endpointTimeout: number;
  /** The same for one that waits for news of endpoints, while none is dialled. */
  newsTimeout: number;
  /** Whether addresses of a name's other family may be tried where connections are slow to come. */
  comparesFamilies: boolean;
  maxOrigins: number;
  originIdleTimeout: number;
  /** undici's own options, for the Clients. */
  client: ClientSettings;
  /** `false` for contrast, where rotation is measured: connections retire before there are others. */
  makeBeforeBreak?: false;
  clock: Clock;
  random: () => number;
}

export interface SubsetSettings {
  /** Endpoints; 0: all. */
  size: number;
  /** `undefined`: a StatefulSet pod's ordinal, if it's one's. */
  index: number | undefined;
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

export interface PeakEwmaSettings {
  decay: number;
  seed: number;
}

export interface RingHashSettings {
  /** In lower case. */
  header: string | undefined;
  key: RequestKey | undefined;
  /** 0: no bound. */
  balanceFactor: number;
}

/** What binds a request to an endpoint; `undefined`: nothing does. */
export type RequestKey = (options: Dispatcher.DispatchOptions) => string | undefined;

export interface SlowStartSettings {
  /** 0: off. */
  window: number;
  minWeight: number;
}

/** `pipelining` is 1, or 0: a connection carries one request. */
export type ClientSettings = Omit<Client.Options, 'connectTimeout' | 'maxRequestsPerClient'>;

/** Why a request may be sent again. */
export type RetryReason =
  /** HTTP/2: the server says that it has not looked at it. */
  | 'refused'
  /** The connection, or the stream, has ended before a response. */
  | 'reset'
  /** The endpoint has stopped to answer at all. */
  | 'unresponsive';

export const RETRY_REASONS: readonly RetryReason[] = ['refused', 'reset', 'unresponsive'];

/**
 * A failure of an endpoint: `reset`, a connection that broke; `connect`, a dial that failed; `timeout`, no
 * response within the caller's `headersTimeout`; or the status of a response.
 */
export type FailureKind = 'reset' | 'connect' | 'timeout' | `${number}`;

export interface OutlierSettings {
  consecutiveFailures: number;
  successRateInterval: number;
  successRateMinimumHosts: number;
  successRateRequestVolume: number;
  successRateStdevFactor: number;
  /** A percentage. */
  enforcingSuccessRate: number;
  baseEjectionTime: number;
  maxEjectionTime: number;
  /** Of the endpoints. */
  maxEjectionPercent: number;
  panicThreshold: number;
  failures: readonly FailureKind[];
}

export interface HealthCheckSettings {
  /** `undefined`: there are no checks. */
  path: string | undefined;
  /** `undefined`: from 200 to 399. */
  expectedStatus: number | undefined;
  interval: number;
  timeout: number;
  healthyThreshold: number;
  unhealthyThreshold: number;
}

export interface RetrySettings {
  attempts: number;
  budget: number;
  minRetriesPerSecond: number;
  reasons: readonly RetryReason[];
}
