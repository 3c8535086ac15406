import type { Resolver } from '../core/discovery/resolver.ts';
import type { Duration } from './duration.ts';

/** Where the endpoints of a name come from. */
export interface DiscoveryOptions {
  /**
   * Where evenkeel learns the endpoints from. `'dns'`: from DNS servers and the hosts file. `'kubernetes'`:
   * from the EndpointSlices of the cluster. `'auto'`: from DNS at once, and from EndpointSlices if it may read
   * them. Or a resolver of your own: `staticResolver([...])` makes a simple one.
   * Default `'auto'`.
   * Env: `EVENKEEL_DISCOVERY`, for the names.
   */
  discovery?: 'auto' | 'kubernetes' | 'dns' | Resolver;

  /**
   * What evenkeel does beside the proxy of a service mesh (Istio, Linkerd). `'auto'`: the proxy balances, and
   * evenkeel doesn't. `'ignore'`: evenkeel balances too.
   * Default `'auto'`.
   * Env: `EVENKEEL_MESH`.
   */
  mesh?: 'auto' | 'ignore';

  /** How evenkeel asks DNS. */
  dns?: DnsOptions;

  /** How evenkeel finds the cluster, and its own place in it. */
  kubernetes?: KubernetesOptions;
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
