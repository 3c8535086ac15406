import type { SliceEndpoint } from './slice.ts';

/** Where in the cluster we are, as far as we know. */
export interface OwnLocation {
  readonly zone: string | undefined;
  readonly nodeName: string | undefined;
}

/**
 * Those of the ready endpoints that hints assign to our node, or else to our zone, or else all: kube-proxy's
 * algorithm, so that `trafficDistribution` and topology-aware routing mean what they mean there.
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

/** None unless every endpoint has hints and one of them names us. */
function hinted<E>(
  endpoints: readonly E[],
  here: string | undefined,
  hintsOf: (endpoint: E) => readonly string[],
): readonly E[] | undefined {
  if (here === undefined || endpoints.some((endpoint) => hintsOf(endpoint).length === 0)) return undefined;
  const near = endpoints.filter((endpoint) => hintsOf(endpoint).includes(here));
  return near.length > 0 ? near : undefined;
}
