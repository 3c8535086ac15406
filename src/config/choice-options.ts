import type { Dispatcher } from 'undici';
import type { PickerFactory } from '../core/balancing/picker.ts';
import type { Duration } from './duration.ts';

/** Which of the endpoints a request goes to. */
export interface ChoiceOptions {
  /**
   * Which endpoint gets a request. `'least-request'`: the one with the fewest requests in flight.
   * `'round-robin'`: the next one in turn. `'peak-ewma'`: evenkeel draws three at random, multiplies the
   * latency of each with its requests in flight, and takes the smallest product; latencies within a factor of
   * two count as equal. `'ring-hash'`: the key of the request decides, see `ringHash`. Or a function that makes
   * pickers of your own. If one of them throws, `'least-request'` takes its place.
   * Default `'least-request'`.
   * Env: `EVENKEEL_POLICY`, for the names.
   */
  policy?: 'least-request' | 'round-robin' | 'peak-ewma' | 'ring-hash' | PickerFactory;

  /** How the policy `'peak-ewma'` measures latency. */
  peakEwma?: PeakEwmaOptions;

  /** Where the policy `'ring-hash'` finds the key of a request, and how strictly it follows the key. */
  ringHash?: RingHashOptions;

  /**
   * Whether evenkeel prefers endpoints that are near. `'zone'`: those in your own zone. `'node'`: those on your
   * own node, then those in your own zone. Near endpoints get as many requests as they can without getting more
   * than other endpoints; the rest goes to zones that have room. For this, evenkeel assumes that each zone (and
   * each node) makes equally many requests. Endpoints that can't be used don't count.
   *
   * evenkeel knows its own place from EndpointSlices, or from `kubernetes.zone` and `kubernetes.nodeName`.
   * While it doesn't know its own place, or that of the endpoints, it prefers none. It always follows the
   * `trafficDistribution` of a Service, and keys of `ring-hash` always go to their own endpoints.
   * Default `'off'`.
   * Env: `EVENKEEL_LOCALITY`.
   */
  locality?: 'off' | 'zone' | 'node';

  /** How many of the endpoints this client uses, if there are thousands. */
  subset?: SubsetOptions;

  /** Gives an endpoint that is new, or back, fewer requests at first. */
  slowStart?: SlowStartOptions;
}

/**
 * Uses only some of a service's endpoints. Without it, thousands of clients with thousands of pods have too
 * many connections. Who the client is decides which endpoints it uses, and this hardly changes when pods come
 * and go.
 *
 * If clients have an index, each pod gets the same number of clients, give or take one or two. Clients without
 * an index choose independently: if a pod has twenty clients on average, then of a thousand pods the one with
 * the fewest has five, and the one with the most has 35. Use a larger subset in that case.
 */
export interface SubsetOptions {
  /**
   * How many endpoints to use. Twenty or more are enough for most clients. With fewer, a client has little
   * choice when pods are slow or gone.
   * An integer; default `0`, which means all.
   * Env: `EVENKEEL_SUBSET_SIZE`.
   */
  size?: number;

  /**
   * The number of this client among clients of its kind: 0, 1, 2 and so on, without gaps.
   * An integer; default: the number at the end of a StatefulSet pod's name, or else none.
   * Env: `EVENKEEL_SUBSET_INDEX`.
   */
  index?: number;
}

/**
 * The latency of an endpoint is the longest time that a response took to begin. Older responses count less and
 * less.
 */
export interface PeakEwmaOptions {
  /**
   * How fast a latency loses weight: after this time, it counts for 1/e (about a third) of what it was.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_PEAK_EWMA_DECAY`.
   */
  decay?: Duration;

  /**
   * The latency that evenkeel assumes for a new endpoint. Until its first response, the endpoint has one
   * request at a time.
   * Milliseconds or a duration string, 1 ms or more; default `'30ms'`.
   * Env: `EVENKEEL_PEAK_EWMA_SEED`.
   */
  seed?: Duration;
}

/**
 * Requests with the same key go to the same endpoint (consistent hashing), from all clients, for as long as the
 * endpoint is there. If an endpoint comes or goes, only its own share of the keys moves. A request waits until
 * its endpoint has a connection. A request without a key goes to the endpoint with the fewest requests in
 * flight.
 */
export interface RingHashOptions {
  /**
   * The request header whose value is the key, for example `'x-user'`.
   * Default: none.
   * Env: `EVENKEEL_RING_HASH_HEADER`.
   */
  header?: string;

  /**
   * A function that returns the key of a request. It gets what `dispatch` gets. If it returns `undefined`,
   * evenkeel looks at the header; if it returns `''`, the request has no key. If it throws, the request fails
   * with that error.
   * Default: none.
   */
  key?: (options: Dispatcher.DispatchOptions) => string | undefined;

  /**
   * How many requests one endpoint may have in flight, as a multiple of the mean of all endpoints (five are
   * always allowed). evenkeel counts the requests of this client only. Above that, a request goes to the next
   * endpoint of its key.
   * A number above 1; default `1.25`; `0` means that a request always goes to the first endpoint of its key, as
   * you need it if pods keep sessions in memory.
   * Env: `EVENKEEL_RING_HASH_BALANCE_FACTOR`.
   */
  balanceFactor?: number;
}

export interface SlowStartOptions {
  /**
   * How long an endpoint that is added to others, or that is back, gets less than its share of requests. Its
   * part grows evenly over this time. If all endpoints are new, all get their full share. The policy
   * `'ring-hash'` ignores this.
   * Milliseconds or a duration string; default `0`, which means that an endpoint gets its full share at once.
   * Env: `EVENKEEL_SLOW_START_WINDOW`.
   */
  window?: Duration;

  /**
   * The part of its share that such an endpoint gets at first.
   * A number from 0.01 to 1; default `0.1`.
   * Env: `EVENKEEL_SLOW_START_MIN_WEIGHT`.
   */
  minWeight?: number;
}
