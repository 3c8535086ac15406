import type { ConnectionOptions } from 'node:tls';
import type { Client, Dispatcher } from 'undici';
import type { PickerFactory } from '../core/balancing/picker.ts';
import type { Clock } from '../core/base/clock.ts';
import type { RetryReason } from '../core/calls/settings.ts';
import type { Resolver } from '../core/discovery/resolver.ts';
import type { FailureKind } from '../core/health/settings.ts';
import type { Duration } from './duration.ts';

/** What `new BalancedAgent(options)` and `install(options)` take. Code beats environment beats default. */
export interface BalancedAgentOptions extends BalancingOptions, UndiciOptions {}

/** What all agents of evenkeel's take. */
export interface BalancingOptions {
  /**
   * How long a connection may take requests, from the moment it connected. After that it
   * finishes what it carries and closes, so that traffic finds new pods. Shortened at random,
   * per connection, by up to `connectionDurationJitter`. With the default, a connection to a pod
   * that can't be dialled at that time lives on until it can; one that was set by hand holds
   * then, too, and requests find one connection less.
   * Milliseconds or a duration string; default `'60s'` behind a virtual IP and `'5m'` for
   * visible pods, one value sets both; `0` means no cap.
   * Env: `EVENKEEL_MAX_CONNECTION_DURATION`.
   */
  maxConnectionDuration?: Duration;

  /**
   * The share of `maxConnectionDuration` by which a connection's cap is shortened at most, so
   * that connections opened together don't close together.
   * A number from 0 to 1; default `0.25`; `0` means that all caps are alike.
   * Env: `EVENKEEL_CONNECTION_DURATION_JITTER`.
   */
  connectionDurationJitter?: number;

  /**
   * How many requests a connection may carry, or streams with HTTP/2. The last one counts when
   * it is sent; when it has ended, the connection closes.
   * An integer; default `0`, which means no cap.
   * Env: `EVENKEEL_MAX_REQUESTS_PER_CONNECTION`.
   */
  maxRequestsPerConnection?: number;

  /**
   * How long a connection that takes no more requests may go on with those it carries. Then it
   * is destroyed, and they fail. Event streams and upgraded sockets may always go on.
   * Milliseconds or a duration string; default `0`, which means as long as they need.
   * Env: `EVENKEEL_DRAIN_TIMEOUT`.
   */
  drainTimeout?: Duration;

  /**
   * How long a dial may take: TCP, and TLS on top of it. One that takes more than three seconds goes on, but its
   * pod is passed over meanwhile. A pod that has requests, is silent, doesn't answer another dial in that time, and
   * acknowledges nothing that it is sent is taken to be gone.
   * Milliseconds or a duration string; default `'10s'`, as in undici; `0` means no limit but the system's.
   * Env: `EVENKEEL_CONNECT_TIMEOUT`.
   */
  connectTimeout?: Duration | null;

  /**
   * How many connections each endpoint may have: a pod, or a slot of a virtual IP. What comes on
   * top of that waits, see `maxPendingRequests`.
   * An integer; by default, and with `0` or `null`, there is no limit.
   * Env: `EVENKEEL_CONNECTIONS`.
   */
  connections?: number | null;

  /**
   * How many connections to a virtual IP are in rotation. Somebody else chooses a pod for each,
   * so that more of them spread requests over more pods. `'auto'`: as many as the rate of requests keeps
   * alive, with two requests each in the time for which idle ones last, from 8 to half of `maxSpread`.
   * `'auto'`, or an integer, 1 or more, which fixes it; default `'auto'`.
   * Env: `EVENKEEL_SPREAD`.
   */
  spread?: number | 'auto';

  /**
   * The response header in which pods name themselves, say `'x-pod-name'`. As soon as two pods behind a
   * virtual IP have done so, requests are balanced over the pods themselves, and new ones are looked for, with less
   * than two dials a second. Pods that don't name themselves have their share, by connection. Where names
   * can't be those of pods, as where they change on a connection, all is as without for ten minutes.
   * The name of a header; `false` for none; default `'evenkeel-pod'`, which `evenkeel/identify` sets. With the
   * policy `'ring-hash'` the default counts as none, since keys lead to connections there.
   * Env: `EVENKEEL_IDENTITY_HEADER`.
   */
  identityHeader?: string | false;

  /**
   * How many pods are kept connected behind a virtual IP that `identityHeader` sees through. Half of it
   * is the most that `spread: 'auto'` comes to, where that is more than 8.
   * An integer, 1 or more; default `64`.
   * Env: `EVENKEEL_MAX_SPREAD`.
   */
  maxSpread?: number;

  /**
   * Which endpoint gets a request. `'least-request'`: the one with the fewest in flight.
   * `'round-robin'`: the next one in turn. `'peak-ewma'`: the one with the least latency times requests
   * in flight, of three drawn at random, where latencies within a factor of two count as equal. `'ring-hash'`:
   * the one that the key of the request leads to, see `ringHash`.
   * Or a function that makes pickers of your own; if one of them throws, `'least-request'` takes their place.
   * Default `'least-request'`.
   * Env: `EVENKEEL_POLICY`, for the names.
   */
  policy?: 'least-request' | 'round-robin' | 'peak-ewma' | 'ring-hash' | PickerFactory;

  /** What the policy `'peak-ewma'` makes of latencies. */
  peakEwma?: PeakEwmaOptions;

  /** What the policy `'ring-hash'` takes for the key of a request, and how far it goes with it. */
  ringHash?: RingHashOptions;

  /**
   * Where endpoints come from. `'dns'`: from name servers and the hosts file. `'kubernetes'`:
   * from the EndpointSlices of the cluster. `'auto'`: from DNS at once, and from EndpointSlices
   * where they can be read. Or a resolver of your own: `staticResolver([...])` makes a simple one.
   * Default `'auto'`.
   * Env: `EVENKEEL_DISCOVERY`, for the names.
   */
  discovery?: 'auto' | 'kubernetes' | 'dns' | Resolver;

  /**
   * Which hosts are balanced: globs, in which `*` stands for any characters; those after a `!`
   * are left out, and win. What isn't balanced passes through as if there were no evenkeel.
   * Default: all; of an installed agent those in the cluster or in private networks, and none if the global
   * dispatcher before it is no plain `Agent`. With
   * nothing but `!` globs, that is what they take away from.
   * Env: `EVENKEEL_HOSTS`, separated by commas.
   */
  hosts?: readonly string[];

  /**
   * Whether `install()` and the preload balance the requests of `node:http` and `node:https` too: those of axios, got,
   * node-fetch and all others that are built on them. Agents that are made by hand don't look at it.
   * Default `true`.
   * Env: `EVENKEEL_HTTP`.
   */
  http?: boolean;

  /**
   * Whether `install()` and the preload balance the calls of `@grpc/grpc-js` too, of each copy of it that is loaded.
   * `installGrpc` doesn't look at it.
   * Default `true`.
   * Env: `EVENKEEL_GRPC`.
   */
  grpc?: boolean;

  /**
   * What to do beside the proxy of a service mesh, Istio's or Linkerd's. `'auto'`: leave balancing
   * to it. `'ignore'`: balance all the same.
   * Default `'auto'`.
   * Env: `EVENKEEL_MESH`.
   */
  mesh?: 'auto' | 'ignore';

  /**
   * Whether to prefer endpoints that are near. `'zone'`: those in the own zone. `'node'`: those on the own
   * node, then those in the own zone. As many requests stay near as can without that any endpoint has more
   * than the others, taking it that each zone makes as many requests as the others, and each node; the rest
   * goes to zones that can take more. Endpoints that can't be used don't count.
   *
   * Where we are is known from EndpointSlices, or from `kubernetes.zone` and `kubernetes.nodeName`; while
   * that isn't known, or where the endpoints are, nothing is preferred. What a Service asks for with
   * `trafficDistribution` is kept to in any case, and the keys of `ring-hash` go where they belong.
   * Default `'off'`.
   * Env: `EVENKEEL_LOCALITY`.
   */
  locality?: 'off' | 'zone' | 'node';

  /** How many of the endpoints to use, where there are thousands of them. */
  subset?: SubsetOptions;

  /** How names are looked up. */
  dns?: DnsOptions;

  /** How a cluster is found, and the own place in it. */
  kubernetes?: KubernetesOptions;

  /**
   * How many requests an endpoint may have in flight, or streams with HTTP/2; upgraded sockets and event
   * streams don't count. When all endpoints have that many, further requests wait, see
   * `maxPendingRequests`.
   * An integer; default `0`, which means no limit.
   * Env: `EVENKEEL_MAX_REQUESTS_PER_ENDPOINT`.
   */
  maxRequestsPerEndpoint?: number;

  /**
   * Sending a request again, to another endpoint, when it can do no harm: `false` switches it off.
   * Env: `EVENKEEL_RETRY`, for `false`.
   */
  retry?: RetryOptions | boolean;

  /** How a new endpoint, or one that is back, comes to its share of requests. */
  slowStart?: SlowStartOptions;

  /**
   * Passing over endpoints that fail one request after the other, or more than the others do: `false` switches it off.
   * Env: `EVENKEEL_OUTLIER_DETECTION`, for `false`.
   */
  outlierDetection?: OutlierDetectionOptions | boolean;

  /** Asking pods how they do, with requests of evenkeel's own. */
  healthCheck?: HealthCheckOptions;

  /**
   * How many requests may wait for a connection, per service. One more fails at once, with
   * `EVENKEEL_QUEUE_FULL`.
   * An integer, 1 or more; by default, and with `Infinity`, there is no limit.
   * Env: `EVENKEEL_MAX_PENDING_REQUESTS`.
   */
  maxPendingRequests?: number;

  /**
   * How long a request may wait for a service to have an endpoint that takes it. Then it fails,
   * with `EVENKEEL_NO_ENDPOINTS`; not while those that came before it are served.
   * Milliseconds or a duration string, 1 ms or more; default `'5s'`, and while endpoints are dialled, or none
   * is known yet, 2 s more than a dial may take (see `connectTimeout`) where that is longer.
   * Env: `EVENKEEL_ENDPOINT_TIMEOUT`.
   */
  endpointTimeout?: Duration;

  /**
   * How many origins are kept at a time. One more drives out the least recently used one, whose
   * connections drain. Of one origin, requests may ask TLS for 32 names before the same goes for these.
   * An integer from 1 to 65,536; default `1024`; `Infinity` means the most.
   * Env: `EVENKEEL_MAX_ORIGINS`.
   */
  maxOrigins?: number;

  /**
   * How long a service is kept that nobody calls. Then its connections drain, and it is dropped.
   * Milliseconds or a duration string, 1 ms or more; default `'5m'`.
   * Env: `EVENKEEL_ORIGIN_IDLE_TIMEOUT`.
   */
  originIdleTimeout?: Duration;

  /**
   * `1`: a connection is kept for the next request. `0`: it carries one and closes. More than one
   * request at a time on an HTTP/1.1 connection can't be balanced, and is refused.
   * Default `1`.
   * Env: `EVENKEEL_PIPELINING`.
   */
  pipelining?: 0 | 1;

  /** Options for `tls.connect`, as undici's own agents take them. */
  tls?: ConnectionOptions;

  /**
   * Where a live page of all agents of this process is served. A port means that port of `127.0.0.1`, which others reach only
   * through `kubectl port-forward`; `'<host>:<port>'`, such as `'0.0.0.0:9909'`, lets Prometheus scrape its `/metrics` from outside.
   * With the option, the page is served at once; with the variable, when the first request is balanced.
   * Default: none; `false`: none, whatever the variable says.
   * Env: `EVENKEEL_ADMIN`.
   */
  admin?: number | string | false;

  /**
   * Time, as evenkeel sees it; for tests. undici's own timeouts keep to real time.
   * Default: the system's monotonic clock.
   */
  clock?: Clock;

  /** Chance; for tests. Default `Math.random`. */
  random?: () => number;
}

/**
 * Uses some of a service's endpoints only, so that thousands of pods under thousands of clients have a
 * bounded number of connections. Which ones depends on who the client is, and hardly changes when pods
 * come and go.
 *
 * A client with an index has a share that leaves each pod with the same number of clients, give or take one
 * or two. Without one it draws by itself, and where a pod has twenty clients on average, the unluckiest of
 * a thousand has five, and the luckiest 35: use a larger subset then.
 */
export interface SubsetOptions {
  /**
   * How many endpoints to use. Twenty and more are enough for most; fewer leave a client with
   * little choice when pods are slow or gone.
   * An integer; default `0`, which means all.
   * Env: `EVENKEEL_SUBSET_SIZE`.
   */
  size?: number;

  /**
   * This client's number among those that are like it, from 0 on without gaps.
   * An integer; default: the ordinal in the name of a StatefulSet's pod, or else none.
   * Env: `EVENKEEL_SUBSET_INDEX`.
   */
  index?: number;
}

export interface DnsOptions {
  /**
   * Name servers to ask in place of those in /etc/resolv.conf: IP addresses, with a port or
   * without (`'10.96.0.10'`, `'[fd00::10]:5353'`).
   * Default: the system's.
   * Env: `EVENKEEL_DNS_SERVERS`, separated by commas.
   */
  servers?: readonly string[];

  /**
   * The least time for which an answer holds, whatever TTL it has.
   * Milliseconds or a duration string, 1 ms or more; default `'1s'`.
   * Env: `EVENKEEL_DNS_MIN_TTL`.
   */
  minTtl?: Duration;

  /**
   * The most time for which an answer holds, whatever TTL it has. Not less than `minTtl`.
   * Milliseconds or a duration string, 1 ms or more; default `'30s'`.
   * Env: `EVENKEEL_DNS_MAX_TTL`.
   */
  maxTtl?: Duration;

  /**
   * Which addresses to use: `4` for IPv4, `6` for IPv6, `'auto'` for those that this host can
   * route, IPv4 first.
   * Default `'auto'`.
   * Env: `EVENKEEL_DNS_FAMILY`.
   */
  family?: 'auto' | 4 | 6;

  /**
   * How long live connections go on being used when their name has ceased to exist.
   * Milliseconds or a duration string; default `'30s'`; `0` means not at all.
   * Env: `EVENKEEL_DNS_NEGATIVE_HOLD`.
   */
  negativeHold?: Duration;
}

/**
 * A request is sent again, each time to an endpoint that has not had it while there is one, when the
 * server says that it has not looked at it: once whatever the options say, as undici does by itself. Where it
 * says so because it is going away, or takes fewer streams from now on, that is none of its `attempts`. Once it was sent without an answer, it is sent again at most
 * once, and only if that can do no harm: its method is idempotent (or its `idempotent` option is true, or
 * it has an Idempotency-Key), its body is no stream, and no byte of a response has come.
 *
 * What was never written, because no connection was made or the one at hand turned out to be closed, is
 * not a retry, and needs none of this.
 */
export interface RetryOptions {
  /**
   * How many times a request may be sent again.
   * An integer; default `2`; `0` means never.
   * Env: `EVENKEEL_RETRY_ATTEMPTS`.
   */
  attempts?: number;

  /**
   * How many retries there may be for each request to the service, over about ten seconds, so that
   * retries never become a storm.
   * A number from 0 to 1; default `0.2`; `0` leaves `minRetriesPerSecond` alone.
   * Env: `EVENKEEL_RETRY_BUDGET`.
   */
  budget?: number;

  /**
   * How many retries a second are free, for services with little traffic.
   * A number; default `1`.
   * Env: `EVENKEEL_RETRY_MIN_RETRIES_PER_SECOND`.
   */
  minRetriesPerSecond?: number;

  /**
   * What is a reason to send a request again. `'refused'`: an HTTP/2 server refused the stream, or said
   * with a GOAWAY that it has not looked at it. `'reset'`: the connection ended before a response.
   * `'unresponsive'`: the endpoint can't be reached any more.
   * A list; default all of them.
   * Env: `EVENKEEL_RETRY_REASONS`, separated by commas.
   */
  reasons?: readonly RetryReason[];
}

/** The latency of an endpoint is the longest that a response took to begin, as far as that is not long ago. */
export interface PeakEwmaOptions {
  /**
   * How long a latency counts: after that time it comes to 1/e of what it was, a third or so.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_PEAK_EWMA_DECAY`.
   */
  decay?: Duration;

  /**
   * The latency that a new endpoint begins with. Until its first response it has one request at a time.
   * Milliseconds or a duration string, 1 ms or more; default `'30ms'`.
   * Env: `EVENKEEL_PEAK_EWMA_SEED`.
   */
  seed?: Duration;
}

/**
 * Requests with the same key go to the same endpoint, by consistent hashing: of all clients, and as long as
 * it is there. One that comes or goes moves its own share of the keys only. A request waits for its endpoint
 * to have a connection. One without a key goes to the endpoint with the fewest in flight.
 */
export interface RingHashOptions {
  /**
   * The request header whose value is the key, say `'x-user'`.
   * Default: none.
   * Env: `EVENKEEL_RING_HASH_HEADER`.
   */
  header?: string;

  /**
   * Tells the key of a request, in place of the header; `undefined`: look at the header; `''`: it has none. It sees
   * what `dispatch` is given. What it throws is the error of the request.
   * Default: none.
   */
  key?: (options: Dispatcher.DispatchOptions) => string | undefined;

  /**
   * How many times the mean of all endpoints one may have in flight, as far as this client knows; five whatever
   * the mean. Above that, a request goes to the next endpoint that its key leads to.
   * A number above 1; default `1.25`; `0` means that it goes to its endpoint whatever that carries, as a
   * session kept in the memory of a pod needs.
   * Env: `EVENKEEL_RING_HASH_BALANCE_FACTOR`.
   */
  balanceFactor?: number;
}

export interface SlowStartOptions {
  /**
   * How long an endpoint that joins others, or that is back, has less than its share of requests: a share
   * that grows evenly. Where all are new, all have their share. `'ring-hash'` looks at none of this.
   * Milliseconds or a duration string; default `0`, which means that it has its share at once.
   * Env: `EVENKEEL_SLOW_START_WINDOW`.
   */
  window?: Duration;

  /**
   * The part of its share that it begins with.
   * A number from 0.01 to 1; default `0.1`.
   * Env: `EVENKEEL_SLOW_START_MIN_WEIGHT`.
   */
  minWeight?: number;
}

/**
 * An endpoint that fails several times in a row is ejected: it gets no requests for a while, and finishes
 * those that it has. Then it gets one: if that fails too, it is ejected again, for twice as long; each
 * `baseEjectionTime` in which it isn't takes back one doubling. New sets of endpoints from discovery
 * change nothing about that, while the endpoint is in them.
 *
 * The connections to a virtual IP are closed instead, so that the next may lead to another pod. Beside a
 * service mesh's proxy nothing is ejected.
 */
export interface OutlierDetectionOptions {
  /**
   * How many failures in a row eject an endpoint; more where most others fail as well, for then that many in a row are
   * chance, or everybody's.
   * An integer, 1 or more; default `5`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_CONSECUTIVE_FAILURES`.
   */
  consecutiveFailures?: number;

  /**
   * How often success rates are compared: endpoints are ejected that fail more of their requests than the others do, if
   * never many in a row.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_INTERVAL`.
   */
  successRateInterval?: Duration;

  /**
   * How many endpoints must have had enough requests for success rates to be compared.
   * An integer, 1 or more; default `5`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_MINIMUM_HOSTS`.
   */
  successRateMinimumHosts?: number;

  /**
   * How many requests of an endpoint are enough. One that has fewer in an interval is counted over up to six of them.
   * An integer, 1 or more; default `100`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_REQUEST_VOLUME`.
   */
  successRateRequestVolume?: number;

  /**
   * By how many standard deviations the success rate of an endpoint must be below the mean of all for it to be ejected.
   * It must be lower than chance explains, too.
   * A number, 0 or more; default `1.9`, which Envoy and gRPC write as 1900.
   * Env: `EVENKEEL_OUTLIER_DETECTION_SUCCESS_RATE_STDEV_FACTOR`.
   */
  successRateStdevFactor?: number;

  /**
   * How likely an endpoint is ejected for its success rate.
   * A percentage; default `100`; `0` means that only failures in a row eject.
   * Env: `EVENKEEL_OUTLIER_DETECTION_ENFORCING_SUCCESS_RATE`.
   */
  enforcingSuccessRate?: number;

  /**
   * How long the first ejection lasts. Each is shortened at random by up to a fifth, so that clients
   * don't come back together.
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
   * Which share of the endpoints may be ejected at a time, or left alone as they have asked with `Retry-After`. One may
   * be, whatever the share.
   * A percentage; default `30`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_MAX_EJECTION_PERCENT`.
   */
  maxEjectionPercent?: number;

  /**
   * Where fewer of the endpoints than this are left, for the others are ejected, asked to be left alone, or can't be
   * reached, all get requests: the failures aren't theirs alone, and the few that are left would break too. So they do
   * when all that are left fail.
   * A percentage; default `50`; `0` means that ejected endpoints never get requests.
   * Env: `EVENKEEL_OUTLIER_DETECTION_PANIC_THRESHOLD`.
   */
  panicThreshold?: number;

  /**
   * What counts as a failure. `'reset'`: the connection broke before the response had ended. `'connect'`:
   * a dial failed. `'timeout'`: no response within `headersTimeout`, or before an `AbortSignal.timeout()` of the
   * caller's. Statuses: a response with that one. What the caller aborts for another reason is no failure.
   * A list; default `['502', '503', '504', 'reset', 'connect', 'timeout']`.
   * Env: `EVENKEEL_OUTLIER_DETECTION_FAILURES`, separated by commas.
   */
  failures?: readonly FailureKind[];
}

/**
 * While a service is in use, the pods in use and those that are ejected are sent a GET request from time to
 * time, each on a connection of its own. A pod that fails several in a row is ejected until several have
 * passed; one that was ejected for its failures is restored by them before its time. A virtual IP is not
 * checked, and nothing is beside a service mesh's proxy.
 */
export interface HealthCheckOptions {
  /**
   * What is asked for: a path, such as `'/healthz'`, with a query or without.
   * Default: none, which means that nothing is checked.
   * Env: `EVENKEEL_HEALTH_CHECK_PATH`.
   */
  path?: string;

  /**
   * The status with which a check passes.
   * An integer from 200 to 599; default: all from 200 to 399, as the kubelet has it.
   * Env: `EVENKEEL_HEALTH_CHECK_EXPECTED_STATUS`.
   */
  expectedStatus?: number;

  /**
   * How often a pod is checked, give or take a tenth.
   * Milliseconds or a duration string, 1 ms or more; default `'10s'`.
   * Env: `EVENKEEL_HEALTH_CHECK_INTERVAL`.
   */
  interval?: Duration;

  /**
   * How long it may take from the dial until the response begins.
   * Milliseconds or a duration string, 1 ms or more; default `'2s'`.
   * Env: `EVENKEEL_HEALTH_CHECK_TIMEOUT`.
   */
  timeout?: Duration;

  /**
   * How many checks in a row restore a pod that is ejected, when they pass.
   * An integer, 1 or more; default `2`.
   * Env: `EVENKEEL_HEALTH_CHECK_HEALTHY_THRESHOLD`.
   */
  healthyThreshold?: number;

  /**
   * How many checks in a row eject a pod, when they fail. Whatever the share of those that are ejected,
   * though `outlierDetection.panicThreshold` counts.
   * An integer, 1 or more; default `3`.
   * Env: `EVENKEEL_HEALTH_CHECK_UNHEALTHY_THRESHOLD`.
   */
  unhealthyThreshold?: number;
}

export interface KubernetesOptions {
  /**
   * The path of a kubeconfig file. Needs the package `@kubernetes/client-node`.
   * Default: the service account of the pod; with `discovery: 'kubernetes'` outside of one,
   * the file that `KUBECONFIG` names, or ~/.kube/config.
   * Env: `EVENKEEL_KUBERNETES_KUBECONFIG`.
   */
  kubeconfig?: string;

  /**
   * The namespace in which names without one are meant.
   * Default: the pod's own.
   * Env: `EVENKEEL_KUBERNETES_NAMESPACE`.
   */
  namespace?: string;

  /**
   * The domain that the names of Services end with.
   * Default: as the search list in /etc/resolv.conf has it, usually `cluster.local`.
   * Env: `EVENKEEL_KUBERNETES_CLUSTER_DOMAIN`.
   */
  clusterDomain?: string;

  /**
   * The zone that this process runs in, to stay in where a Service asks for that.
   * Default: that of its pod, once known.
   * Env: `EVENKEEL_KUBERNETES_ZONE`.
   */
  zone?: string;

  /**
   * The node that this process runs on, as the downward API has it in `spec.nodeName`.
   * Default: that of its pod, once known.
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

/** undici's own, which keep their meanings. Times may be duration strings. Scalar ones have variables too. */
type UndiciOptions = Omit<
  Client.Options,
  'connectTimeout' | 'maxRequestsPerClient' | 'pipelining' | 'tls' | TimeOption
> & { [Name in keyof Pick<Client.Options, TimeOption>]?: Duration };
