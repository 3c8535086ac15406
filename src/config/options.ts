import type { ConnectionOptions } from 'node:tls';
import type { Client, Dispatcher } from 'undici';
import type { PickerFactory } from '../core/balancing/picker.ts';
import type { Clock } from '../core/base/clock.ts';
import type { RetryReason } from '../core/calls/settings.ts';
import type { Resolver } from '../core/discovery/resolver.ts';
import type { FailureKind } from '../core/health/settings.ts';
import type { Duration } from './duration.ts';

/**
 * What `new BalancedAgent(options)` and `install(options)` take. Code beats environment variables, and they
 * beat defaults.
 */
export interface BalancedAgentOptions extends BalancingOptions, UndiciOptions {}

/** The options of all agents of evenkeel. */
export interface BalancingOptions {
  /**
   * How long a connection takes requests, from the moment it connected. After that, it finishes the requests
   * that it has, and closes. So requests reach new pods. evenkeel shortens this time at random for each
   * connection, by up to `connectionDurationJitter`. By default, a connection whose pod can't be dialled at
   * that moment lives on until the pod can be dialled. If you set this option, the connection closes in any
   * case.
   * Milliseconds or a duration string; default `'60s'` behind a virtual IP and `'5m'` for visible pods, and a
   * value of yours sets both; `0` means no limit.
   * Env: `EVENKEEL_MAX_CONNECTION_DURATION`.
   */
  maxConnectionDuration?: Duration;

  /**
   * The largest part of `maxConnectionDuration` by which evenkeel shortens the life of a connection, at random.
   * So connections that were opened together don't close together.
   * A number from 0 to 1; default `0.25`; `0` means that all connections live equally long.
   * Env: `EVENKEEL_CONNECTION_DURATION_JITTER`.
   */
  connectionDurationJitter?: number;

  /**
   * How many requests (with HTTP/2: streams) a connection carries. When the last of them has ended, the
   * connection closes.
   * An integer; default `0`, which means no limit.
   * Env: `EVENKEEL_MAX_REQUESTS_PER_CONNECTION`.
   */
  maxRequestsPerConnection?: number;

  /**
   * How long a connection that takes no more requests waits for the requests that it has. After that, evenkeel
   * destroys it, and these requests fail. Event streams and upgraded sockets may always go on.
   * Milliseconds or a duration string; default `0`, which means that it waits for as long as they take.
   * Env: `EVENKEEL_DRAIN_TIMEOUT`.
   */
  drainTimeout?: Duration;

  /**
   * How long connecting to a pod may take: TCP, and TLS after it. If it takes more than three seconds, evenkeel
   * uses other pods meanwhile, and the attempt goes on. If a pod has requests and is silent, evenkeel dials it
   * again; if the pod doesn't answer within this time (at most three seconds) and acknowledges nothing that it
   * was sent, evenkeel takes it to be gone.
   * Milliseconds or a duration string; default `'10s'`, as in undici; `0` means no limit but the system's.
   * Env: `EVENKEEL_CONNECT_TIMEOUT`.
   */
  connectTimeout?: Duration | null;

  /**
   * How many connections evenkeel opens to one endpoint at most. An endpoint is a pod, or one of the `spread`
   * connections to a virtual IP. Further requests wait, see `maxPendingRequests`.
   * An integer; by default, and with `0` or `null`, there is no limit.
   * Env: `EVENKEEL_CONNECTIONS`.
   */
  connections?: number | null;

  /**
   * How many connections evenkeel uses in turn behind a virtual IP. There, kube-proxy chooses a pod for each
   * connection, so more connections reach more pods. `'auto'`: as many as the rate of requests keeps alive,
   * from 8 to half of `maxSpread`. (Each gets two requests in the time for which the server keeps an idle
   * connection.)
   * `'auto'`, or an integer of 1 or more, which fixes the number; default `'auto'`.
   * Env: `EVENKEEL_SPREAD`.
   */
  spread?: number | 'auto';

  /**
   * The response header in which pods name themselves, for example `'x-pod-name'`. Once two pods behind a
   * virtual IP have named themselves, evenkeel balances over the pods, and looks for new ones with less than
   * two dials a second. Pods that don't name themselves get their share too, by connection. If the names can't
   * be those of pods (because a name changes on one connection, for example), evenkeel doesn't look at names
   * for ten minutes.
   * The name of a header, or `false` for none; default `'evenkeel-pod'`, which `evenkeel/identify` sets. With
   * the policy `'ring-hash'`, evenkeel doesn't look at the default header, because keys lead to connections
   * there.
   * Env: `EVENKEEL_IDENTITY_HEADER`.
   */
  identityHeader?: string | false;

  /**
   * How many pods evenkeel stays connected to, behind a virtual IP where pods name themselves. Half of this
   * number is also the most connections that `spread: 'auto'` uses (but it uses at least 8).
   * An integer, 1 or more; default `64`.
   * Env: `EVENKEEL_MAX_SPREAD`.
   */
  maxSpread?: number;

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
   * Where evenkeel learns the endpoints from. `'dns'`: from DNS servers and the hosts file. `'kubernetes'`:
   * from the EndpointSlices of the cluster. `'auto'`: from DNS at once, and from EndpointSlices if it may read
   * them. Or a resolver of your own: `staticResolver([...])` makes a simple one.
   * Default `'auto'`.
   * Env: `EVENKEEL_DISCOVERY`, for the names.
   */
  discovery?: 'auto' | 'kubernetes' | 'dns' | Resolver;

  /**
   * Which hosts evenkeel balances: patterns in which `*` stands for any characters. A pattern after a `!`
   * excludes hosts, and wins over the others; patterns with `!` alone exclude from the default. Requests to
   * other hosts go out as if evenkeel weren't there.
   * Default: all hosts. For an installed agent: hosts in the cluster or in private networks, and none if the
   * global dispatcher before it is no plain `Agent`.
   * Env: `EVENKEEL_HOSTS`, separated by commas.
   */
  hosts?: readonly string[];

  /**
   * Whether `install()` and the preload balance the requests of `node:http` and `node:https` too. axios, got,
   * node-fetch and many others use these. It changes nothing for agents that you make yourself.
   * Default `true`.
   * Env: `EVENKEEL_HTTP`.
   */
  http?: boolean;

  /**
   * Whether `install()` and the preload balance the calls of `@grpc/grpc-js` too, of every copy of it in the
   * process. It changes nothing for `installGrpc`.
   * Default `true`.
   * Env: `EVENKEEL_GRPC`.
   */
  grpc?: boolean;

  /**
   * What evenkeel does beside the proxy of a service mesh (Istio, Linkerd). `'auto'`: the proxy balances, and
   * evenkeel doesn't. `'ignore'`: evenkeel balances too.
   * Default `'auto'`.
   * Env: `EVENKEEL_MESH`.
   */
  mesh?: 'auto' | 'ignore';

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

  /** How evenkeel asks DNS. */
  dns?: DnsOptions;

  /** How evenkeel finds the cluster, and its own place in it. */
  kubernetes?: KubernetesOptions;

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

  /** Gives an endpoint that is new, or back, fewer requests at first. */
  slowStart?: SlowStartOptions;

  /**
   * Stops sending requests to endpoints that fail several times in a row, or more often than the others.
   * `false` switches that off.
   * Env: `EVENKEEL_OUTLIER_DETECTION`, for `false`.
   */
  outlierDetection?: OutlierDetectionOptions | boolean;

  /** Checks pods with requests of evenkeel's own. */
  healthCheck?: HealthCheckOptions;

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

  /**
   * How many origins evenkeel keeps. If there is one more, evenkeel drops the one that wasn't used for the
   * longest time, and its connections drain. For each origin, evenkeel also keeps at most 32 TLS server names,
   * in the same way.
   * An integer from 1 to 65,536; default `1024`; `Infinity` means 65,536.
   * Env: `EVENKEEL_MAX_ORIGINS`.
   */
  maxOrigins?: number;

  /**
   * How long evenkeel keeps a service that nobody calls. After that, its connections drain, and evenkeel
   * forgets it.
   * Milliseconds or a duration string, 1 ms or more; default `'5m'`.
   * Env: `EVENKEEL_ORIGIN_IDLE_TIMEOUT`.
   */
  originIdleTimeout?: Duration;

  /**
   * `1`: evenkeel keeps a connection for the next request. `0`: a connection carries one request, and closes.
   * More than 1 is refused, because several requests at a time on one HTTP/1.1 connection can't be balanced.
   * Default `1`.
   * Env: `EVENKEEL_PIPELINING`.
   */
  pipelining?: 0 | 1;

  /** Options for `tls.connect`, as undici's own agents take them. */
  tls?: ConnectionOptions;

  /**
   * Where evenkeel serves a live page about all agents of this process. A port means that port of `127.0.0.1`;
   * from elsewhere you reach it with `kubectl port-forward`. With `'<host>:<port>'`, such as `'0.0.0.0:9909'`,
   * Prometheus can scrape its `/metrics` from outside. If you set the option, evenkeel serves the page at once;
   * if you set the variable, when evenkeel balances the first request.
   * Default: none. `false`: none, even if the variable is set.
   * Env: `EVENKEEL_ADMIN`.
   */
  admin?: number | string | false;

  /**
   * The clock that evenkeel reads; for tests. undici's own timeouts still use real time.
   * Default: the system's monotonic clock.
   */
  clock?: Clock;

  /** The random numbers that evenkeel uses; for tests. Default `Math.random`. */
  random?: () => number;
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

export interface DnsOptions {
  /**
   * The DNS servers to ask in place of those in /etc/resolv.conf: IP addresses, with a port or without
   * (`'10.96.0.10'`, `'[fd00::10]:5353'`).
   * Default: the system's.
   * Env: `EVENKEEL_DNS_SERVERS`, separated by commas.
   */
  servers?: readonly string[];

  /**
   * The shortest time for which evenkeel uses an answer, even if its TTL is shorter.
   * Milliseconds or a duration string, 1 ms or more; default `'1s'`.
   * Env: `EVENKEEL_DNS_MIN_TTL`.
   */
  minTtl?: Duration;

  /**
   * The longest time for which evenkeel uses an answer, even if its TTL is longer. Not less than `minTtl`.
   * Milliseconds or a duration string, 1 ms or more; default `'30s'`.
   * Env: `EVENKEEL_DNS_MAX_TTL`.
   */
  maxTtl?: Duration;

  /**
   * Which addresses to use: `4` for IPv4, `6` for IPv6, `'auto'` for those that this host has a route to, IPv4
   * first.
   * Default `'auto'`.
   * Env: `EVENKEEL_DNS_FAMILY`.
   */
  family?: 'auto' | 4 | 6;

  /**
   * When DNS says that a name no longer exists: how long evenkeel still uses the connections that it has to it.
   * Milliseconds or a duration string; default `'30s'`; `0` means that it stops at once.
   * Env: `EVENKEEL_DNS_NEGATIVE_HOLD`.
   */
  negativeHold?: Duration;
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

export interface KubernetesOptions {
  /**
   * The path of a kubeconfig file. Needs the package `@kubernetes/client-node`.
   * Default: the service account of the pod. With `discovery: 'kubernetes'` outside a pod: the file that
   * `KUBECONFIG` names, or ~/.kube/config.
   * Env: `EVENKEEL_KUBERNETES_KUBECONFIG`.
   */
  kubeconfig?: string;

  /**
   * The namespace of Services whose names don't say one.
   * Default: the pod's own.
   * Env: `EVENKEEL_KUBERNETES_NAMESPACE`.
   */
  namespace?: string;

  /**
   * The domain that the names of Services end with.
   * Default: the one in the search list of /etc/resolv.conf, usually `cluster.local`.
   * Env: `EVENKEEL_KUBERNETES_CLUSTER_DOMAIN`.
   */
  clusterDomain?: string;

  /**
   * The zone that this process runs in. evenkeel keeps requests in it if a Service asks for that.
   * Default: the zone of its pod, once evenkeel knows it.
   * Env: `EVENKEEL_KUBERNETES_ZONE`.
   */
  zone?: string;

  /**
   * The node that this process runs on; the downward API has it in `spec.nodeName`.
   * Default: the node of its pod, once evenkeel knows it.
   * Env: `EVENKEEL_KUBERNETES_NODE_NAME`.
   */
  nodeName?: string;
}

type TimeOption =
  | 'bodyTimeout'
  | 'headersTimeout'
  | 'keepAliveMaxTimeout'
  | 'keepAliveTimeout'
  | 'keepAliveTimeoutThreshold';

/**
 * undici's own options. They mean what they mean in undici. Times may be duration strings. Numbers, strings and
 * booleans have variables too.
 */
type UndiciOptions = Omit<
  Client.Options,
  'connectTimeout' | 'maxRequestsPerClient' | 'pipelining' | 'tls' | TimeOption
> & { [Name in keyof Pick<Client.Options, TimeOption>]?: Duration };
