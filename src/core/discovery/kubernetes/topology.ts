import type { SliceEndpoint } from './slice.ts';

/** Where in the cluster this process runs, as far as that is known. */
export interface OwnLocation {
  readonly zone: string | undefined;
  readonly nodeName: string | undefined;
}

/**
 * The ready endpoints that hints assign to this node, or else to this zone, or else all. This is kube-proxy's
 * algorithm, so `trafficDistribution` and topology-aware routing have the same effect as there.
 * https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/#implementation-kube-proxy
 */
export function nearest<E extends Pick<SliceEndpoint, 'nodeHints' | 'zoneHints'>>(
  endpoints: readonly E[],
  { zone, nodeName }: OwnLocation,
): readonly E[] {
  return (
    hinted(endpoints, nodeName, (endpoint) => endpoint.nodeHints) ??
    hinted(endpoints, zone, (endpoint) => endpoint.zoneHints) ??
    endpoints
  );
}

/** None, unless every endpoint has hints and at least one of them names this place. */
function hinted<E>(
  endpoints: readonly E[],
  here: string | undefined,
  hintsOf: (endpoint: E) => readonly string[],
): readonly E[] | undefined {
  if (here === undefined || endpoints.some((endpoint) => hintsOf(endpoint).length === 0)) return undefined;
  const near = endpoints.filter((endpoint) => hintsOf(endpoint).includes(here));
  return near.length > 0 ? near : undefined;
}
