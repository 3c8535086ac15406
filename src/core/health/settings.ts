/** What health is told. Durations are in milliseconds. */
export interface HealthSettings {
  /** `false`: nothing is ejected. */
  outlierDetection: OutlierSettings | false;
  healthCheck: HealthCheckSettings;
}

/**
 * A failure of an endpoint: `reset`, a connection that broke; `connect`, a dial that failed; `timeout`, no
 * response within the caller's `headersTimeout`; or the status of a response.
 */
export type FailureKind = 'reset' | 'connect' | 'timeout' | `${number}`;

/** Why a pod is ejected: the last of its failures, its success rate, or its health check. */
export type EjectReason = FailureKind | 'success-rate' | 'health-check';

/** Why a pod that was ejected gets requests again. */
export type RestoreReason = 'time' | 'health-check' | 'success' | 'mesh';

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
