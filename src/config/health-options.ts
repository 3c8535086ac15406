import type { FailureKind } from '../core/health/settings.ts';
import type { Duration } from './duration.ts';

/** Which endpoints get no requests, as they fail. */
export interface HealthOptions {
  /**
   * Stops sending requests to endpoints that fail several times in a row, or more often than the others.
   * `false` switches that off.
   * Env: `EVENKEEL_OUTLIER_DETECTION`, for `false`.
   */
  outlierDetection?: OutlierDetectionOptions | boolean;

  /** Checks pods with requests of evenkeel's own. */
  healthCheck?: HealthCheckOptions;
}

/**
 * evenkeel ejects an endpoint that fails several times in a row: the endpoint gets no new requests for a while,
 * and finishes those that it has. Then it gets one request. If that fails too, evenkeel ejects it again, for
 * twice as long. Every `baseEjectionTime` without an ejection halves the next one. If discovery brings a new
 * set of endpoints, endpoints that stay in it keep their ejections.
 *
 * Behind a virtual IP, evenkeel closes the connection instead, because the next one may lead to another pod.
 * Beside the proxy of a service mesh, evenkeel ejects nothing.
 */
export interface OutlierDetectionOptions {
  /**
   * How many failures in a row eject an endpoint. If most other endpoints fail as well, it takes more, because
   * then so many in a row happen by chance, or have one cause for all.
   * An integer, 1 or more; default `5`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_CONSECUTIVE_FAILURES`.
   */
  consecutiveFailures?: number;

  /**
   * How often evenkeel compares success rates. It ejects an endpoint that fails more of its requests than the
   * others do, even if it never fails many in a row.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_INTERVAL`.
   */
  successRateInterval?: Duration;

  /**
   * How many endpoints must have had enough requests before evenkeel compares success rates.
   * An integer, 1 or more; default `5`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_MINIMUM_HOSTS`.
   */
  successRateMinimumHosts?: number;

  /**
   * How many requests of an endpoint are enough. If an endpoint has fewer in one interval, evenkeel counts them
   * over up to six intervals.
   * An integer, 1 or more; default `100`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_REQUEST_VOLUME`.
   */
  successRateRequestVolume?: number;

  /**
   * evenkeel ejects an endpoint if its success rate is this many standard deviations below the mean of all
   * endpoints, and if chance doesn't explain the difference.
   * A number, 0 or more; default `1.9`, which Envoy and gRPC write as 1900.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_STDEV_FACTOR`.
   */
  successRateStdevFactor?: number;

  /**
   * How likely it is that evenkeel ejects such an endpoint.
   * A percentage; default `100`; `0` means that only failures in a row eject.
   * Env: `EVENKEEL_OUTLIER_DETECTION_ENFORCING_SUCCESS_RATE`.
   */
  enforcingSuccessRate?: number;

  /**
   * How long the first ejection lasts. evenkeel shortens each ejection at random by up to a fifth, so that
   * clients don't come back together.
   * Milliseconds or a duration string, 1 ms or more; default `'30s'`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_BASE_EJECTION_TIME`.
   */
  baseEjectionTime?: Duration;

  /**
   * How long an ejection lasts at most.
   * Milliseconds or a duration string, 1 ms or more; default `'5m'`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_MAX_EJECTION_TIME`.
   */
  maxEjectionTime?: Duration;

  /**
   * How many of the endpoints may be ejected, or paused because they asked for it with `Retry-After`, at the
   * same time. One endpoint always may.
   * A percentage; default `30`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_MAX_EJECTION_PERCENT`.
   */
  maxEjectionPercent?: number;

  /**
   * If less than this part of the endpoints is left, all of them get requests again, the ejected ones too. (An
   * endpoint is not left if it is ejected, paused by `Retry-After`, or can't be reached.) In that case the
   * cause is hardly in these endpoints, and the few that are left would be overloaded. The same happens when
   * all that are left fail.
   * A percentage; default `50`; `0` means that ejected endpoints never get requests.
   * Env: `EVENKEEL_OUTLIER_DETECTION_PANIC_THRESHOLD`.
   */
  panicThreshold?: number;

  /**
   * What counts as a failure. `'reset'`: the connection broke before the response had ended. `'connect'`: a
   * connection could not be made. `'timeout'`: no response came within `headersTimeout`, or before an
   * `AbortSignal.timeout()` of yours. A status: a response with that status. If you abort a request for another
   * reason, that is no failure.
   * A list; default `['502', '503', '504', 'reset', 'connect', 'timeout']`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_FAILURES`, separated by commas.
   */
  failures?: readonly FailureKind[];
}

/**
 * While a service is in use, evenkeel sends a GET request from time to time to each pod that is in use or
 * ejected, each on a new connection. If a pod fails several checks in a row, evenkeel ejects it until it has
 * passed several. A pod that was ejected for failed requests comes back early if it passes them. evenkeel
 * doesn't check pods behind a virtual IP, or beside the proxy of a service mesh.
 */
export interface HealthCheckOptions {
  /**
   * The path to ask for, such as `'/healthz'`, with a query or without.
   * Default: none, which means that evenkeel checks nothing.
   * Env: `EVENKEEL_HEALTH_CHECK_PATH`.
   */
  path?: string;

  /**
   * The status with which a check passes.
   * An integer from 200 to 599; default: all from 200 to 399, as for the kubelet.
   * Env: `EVENKEEL_HEALTH_CHECK_EXPECTED_STATUS`.
   */
  expectedStatus?: number;

  /**
   * How often evenkeel checks a pod; each time is up to a tenth shorter or longer, at random.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_HEALTH_CHECK_INTERVAL`.
   */
  interval?: Duration;

  /**
   * How long a check may take, from the dial until the response begins.
   * Milliseconds or a duration string, 1 ms or more; default `'2s'`.
   * Env: `EVENKEEL_HEALTH_CHECK_TIMEOUT`.
   */
  timeout?: Duration;

  /**
   * How many checks in a row an ejected pod must pass to get requests again.
   * An integer, 1 or more; default `2`.
   * Env: `EVENKEEL_HEALTH_CHECK_HEALTHY_THRESHOLD`.
   */
  healthyThreshold?: number;

  /**
   * How many checks in a row a pod must fail to be ejected. `outlierDetection.maxEjectionPercent` doesn't limit
   * these ejections; `outlierDetection.panicThreshold` does.
   * An integer, 1 or more; default `3`.
   * Env: `EVENKEEL_HEALTH_CHECK_UNHEALTHY_THRESHOLD`.
   */
  unhealthyThreshold?: number;
}
