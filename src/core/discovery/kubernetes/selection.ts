import type { EndpointAddress } from '../resolver.ts';
import type { Slice, SliceEndpoint } from './slice.ts';
import { nearest, type OwnLocation } from './topology.ts';

/** An endpoint with the port at which it serves a certain Service port. */
export interface ServingEndpoint extends SliceEndpoint {
  /** Its slice's. */
  readonly version: string;
  /** What the resolver yields for it. */
  readonly target: EndpointAddress;
}

/** Tells candidates apart: `address:port`. Made when it's needed: to keep thousands of them takes memory. */
export function keyOf({ target: { address, port } }: ServingEndpoint): string {
  return `${address}:${port}`;
}

/** The port at which a slice's endpoints serve; none when they don't. */
export type PortOf = (slice: Slice) => number | undefined;

// Most slices are the same from one selection to the next.
const known = new WeakMap<Slice, Map<number, readonly ServingEndpoint[]>>();

/** The endpoints of slices in which none is there twice. */
export function join(slices: readonly Slice[], portOf: PortOf): ServingEndpoint[] {
  return slices.flatMap((slice) => {
    const port = portOf(slice);
    return port === undefined ? [] : candidates(slice, port);
  });
}

/**
 * The endpoints of all slices together. One may be in two of them while it moves from one to the other: the
 * slice that was written last is right. It is as right when a pod has the address that another had before.
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

/** Those that take traffic. With none ready, the ones that still serve while they terminate do. */
export function usable<E extends SliceEndpoint>(endpoints: readonly E[], own: OwnLocation): readonly E[] {
  // Only a Service that publishes pods whatever their state has some that are ready and terminate.
  const ready = endpoints.filter((endpoint) => endpoint.ready && !endpoint.terminating);
  if (ready.length > 0) return nearest(ready, own);
  const leaving = endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
  return leaving.length > 0 ? leaving : endpoints.filter((endpoint) => endpoint.ready);
}

/** Those on our own node that take traffic: `internalTrafficPolicy: Local`. Hints mean nothing to it. */
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

/** Whether `a` is from a slice written after that of `b`. Versions are decimal numbers of any length. */
function isNewer(a: ServingEndpoint | undefined, b: ServingEndpoint): boolean {
  if (a === undefined) return false;
  return a.version.length === b.version.length ? a.version > b.version : a.version.length > b.version.length;
}
