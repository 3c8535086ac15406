import type { EndpointAddress } from '../resolver.ts';
import type { Slice, SliceEndpoint } from './slice.ts';
import { nearest, type OwnLocation } from './topology.ts';
import { isOlder } from './versions.ts';

/** An endpoint, and the port at which it serves a certain Service port. */
export interface ServingEndpoint extends SliceEndpoint {
  /** The version of its slice. */
  readonly version: string;
  /** What the resolver yields for this endpoint. */
  readonly target: EndpointAddress;
}

/** The key of a candidate: `address:port`. Made when needed, because thousands of them would take memory. */
export function keyOf({ target: { address, port } }: ServingEndpoint): string {
  return `${address}:${port}`;
}

/** The port at which the endpoints of a slice serve; none if they don't. */
export type PortOf = (slice: Slice) => number | undefined;

// Most slices don't change from one selection to the next.
const known = new WeakMap<Slice, Map<number, readonly ServingEndpoint[]>>();

/** The endpoints of slices, if no endpoint is in two of them. */
export function join(slices: readonly Slice[], portOf: PortOf): ServingEndpoint[] {
  return slices.flatMap((slice) => {
    const port = portOf(slice);
    return port === undefined ? [] : candidates(slice, port);
  });
}

/**
 * The endpoints of all slices. An endpoint may be in two slices while it moves from one to the other. Then the slice
 * that was written last is right. That also holds if a pod has the old address of another pod.
 */
export function merge(slices: readonly Slice[], portOf: PortOf): ServingEndpoint[] {
  const merged = new Map<string, ServingEndpoint>();
  const pods = new Map<string, ServingEndpoint>();
  for (const slice of slices) {
    const port = portOf(slice);
    if (port === undefined) continue;
    for (const candidate of candidates(slice, port)) {
      const key = keyOf(candidate);
      const sameAddress = merged.get(key);
      const samePod = candidate.uid === undefined ? undefined : pods.get(candidate.uid);
      if (isNewer(sameAddress, candidate) || isNewer(samePod, candidate)) continue;
      if (samePod !== undefined) merged.delete(keyOf(samePod));
      if (sameAddress?.uid !== undefined) pods.delete(sameAddress.uid);
      if (candidate.uid !== undefined) pods.set(candidate.uid, candidate);
      merged.set(key, candidate);
    }
  }
  return [...merged.values()];
}

/** The endpoints that take traffic. If none is ready, those that terminate but still serve. */
export function usable<E extends SliceEndpoint>(endpoints: readonly E[], own: OwnLocation): readonly E[] {
  // Only a Service with `publishNotReadyAddresses` has pods that are ready and terminate.
  const ready = endpoints.filter((endpoint) => endpoint.ready && !endpoint.terminating);
  if (ready.length > 0) return nearest(ready, own);
  const leaving = endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
  return leaving.length > 0 ? leaving : endpoints.filter((endpoint) => endpoint.ready);
}

/** The endpoints on this node that take traffic, for `internalTrafficPolicy: Local`. Hints don't matter there. */
export function usableHere<E extends SliceEndpoint>(endpoints: readonly E[], nodeName: string): readonly E[] {
  const here = endpoints.filter((endpoint) => endpoint.nodeName === nodeName);
  return usable(here, { zone: undefined, nodeName: undefined });
}

function candidates(slice: Slice, port: number): readonly ServingEndpoint[] {
  let byPort = known.get(slice);
  if (byPort === undefined) known.set(slice, (byPort = new Map()));
  let found = byPort.get(port);
  if (found === undefined) {
    found = slice.endpoints.map((endpoint) => candidate(endpoint, port, slice.version));
    byPort.set(port, found);
  }
  return found;
}

function candidate(endpoint: SliceEndpoint, port: number, version: string): ServingEndpoint {
  const { address, uid, zone, nodeName } = endpoint;
  const target = { address, port, id: uid, zone, nodeName };
  return { ...endpoint, version, target };
}

/** Whether `a` comes from a newer slice than `b`. */
function isNewer(a: ServingEndpoint | undefined, b: ServingEndpoint): boolean {
  return isOlder(b.version, a?.version);
}
