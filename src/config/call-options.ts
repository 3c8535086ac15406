import type { RetryReason } from '../core/calls/settings.ts';
import type { Duration } from './duration.ts';

/** How requests wait, and when they are sent again. */
export interface CallOptions {
  /**
   * How many requests (with HTTP/2: streams) an endpoint may have in flight. Upgraded sockets and event streams
   * don't count. When all endpoints have that many, further requests wait, see `maxPendingRequests`.
   * An integer; default `0`, which means no limit.
   * Env: `EVENKEEL_MAX_REQUESTS_PER_ENDPOINT`.
   */
  maxRequestsPerEndpoint?: number;

  /**
   * Sends a failed request again, to another endpoint, if that is safe. `false` switches retries off.
   * Env: `EVENKEEL_RETRY`, for `false`.
   */
  retry?: RetryOptions | boolean;

  /**
   * How many requests of a service may wait for a connection. If that many wait, the next one fails at once,
   * with `EVENKEEL_QUEUE_FULL`.
   * An integer, 1 or more; by default, and with `Infinity`, there is no limit.
   * Env: `EVENKEEL_MAX_PENDING_REQUESTS`.
   */
  maxPendingRequests?: number;

  /**
   * How long a request may wait until an endpoint takes it. After that, the request fails with
   * `EVENKEEL_NO_ENDPOINTS`. A request doesn't fail while endpoints serve those that came before it.
   * Milliseconds or a duration string, 1 ms or more; default `'5s'`. By default, while evenkeel dials endpoints
   * or knows none yet, the time is `connectTimeout` plus 2 s if that is longer.
   * Env: `EVENKEEL_ENDPOINT_TIMEOUT`.
   */
  endpointTimeout?: Duration;
}

/**
 * When evenkeel sends a request again. Each time, it chooses an endpoint that hasn't had the request, if there
 * is one.
 *
 * If the server says that it hasn't looked at the request, sending it again is safe. evenkeel does that at
 * least once, whatever these options say, as undici does. If the server says so because it shuts down, or
 * because it takes fewer streams from now on, that doesn't count against `attempts`.
 *
 * If the request was sent and no answer came, evenkeel sends it again at most once, and only if that is safe:
 * its method is idempotent (or its `idempotent` option is true, or it has an Idempotency-Key), its body is no
 * stream, and no byte of a response has come.
 *
 * If the request was never written (no connection could be made, or the connection had already closed), sending
 * it is no retry, and these options don't matter.
 */
export interface RetryOptions {
  /**
   * How many times a request may be sent again.
   * An integer; default `2`; `0` means never.
   * Env: `EVENKEEL_RETRY_ATTEMPTS`.
   */
  attempts?: number;

  /**
   * How many retries there may be for each request to the service, counted over about ten seconds. So retries
   * don't overload pods that are in trouble.
   * A number from 0 to 1; default `0.2`; with `0`, only the retries of `minRetriesPerSecond` are left.
   * Env: `EVENKEEL_RETRY_BUDGET`.
   */
  budget?: number;

  /**
   * How many retries a second are always allowed, whatever the budget: for services with little traffic.
   * A number; default `1`.
   * Env: `EVENKEEL_RETRY_MIN_RETRIES_PER_SECOND`.
   */
  minRetriesPerSecond?: number;

  /**
   * The reasons for which evenkeel sends a request again. `'refused'`: an HTTP/2 server refused the stream, or
   * said with a GOAWAY that it hasn't looked at it. `'reset'`: the connection ended before a response came.
   * `'unresponsive'`: the endpoint can't be reached any more.
   * A list; default all of them.
   * Env: `EVENKEEL_RETRY_REASONS`, separated by commas.
   */
  reasons?: readonly RetryReason[];
}
