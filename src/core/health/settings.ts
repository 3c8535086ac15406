/** The settings of health. Durations are in milliseconds. */
export interface HealthSettings {
  /** `false`: evenkeel ejects nothing. */
  outlierDetection: OutlierSettings | false;
  healthCheck: HealthCheckSettings;
}

/**
 * A failure of an endpoint. `reset`: a connection broke. `connect`: a dial failed. `timeout`: no response within the
 * caller's `headersTimeout`. Or the status of a response.
 */
export type FailureKind = 'reset' | 'connect' | 'timeout' | `${number}`;

/** Why an endpoint is ejected: its last failure, its success rate, or its health checks. */
export type EjectReason = FailureKind | 'success-rate' | 'health-check';

/** Why an ejected endpoint gets requests again. */
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
  /** A percentage of the endpoints. */
  maxEjectionPercent: number;
  panicThreshold: number;
  failures: readonly FailureKind[];
}

export interface HealthCheckSettings {
  /** `undefined`: evenkeel checks nothing. */
  path: string | undefined;
  /** `undefined`: all from 200 to 399. */
  expectedStatus: number | undefined;
  interval: number;
  timeout: number;
  healthyThreshold: number;
  unhealthyThreshold: number;
}
