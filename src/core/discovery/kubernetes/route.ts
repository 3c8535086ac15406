import type { Families } from '../dns/families.ts';
import { join, merge, type PortOf, type ServingEndpoint, usable, usableHere } from './selection.ts';
import type { ServiceSpec } from './service-spec.ts';
import type { Slice } from './slice.ts';
import type { OwnLocation } from './topology.ts';

/** How requests reach a Service. */
export type Route =
  | { readonly way: 'alias'; readonly hostname: string }
  /** evenkeel chooses a pod. Without `clusterIP`, there is no other way. */
  | {
      readonly way: 'pods';
      readonly pods: readonly ServingEndpoint[];
      readonly clusterIP: string | undefined;
    }
  /** kube-proxy chooses a pod behind the virtual address. That always works. */
  | { readonly way: 'cluster-ip'; readonly clusterIP: string; readonly reason: ClusterIPReason }
  | { readonly way: 'none' };

export type ClusterIPReason = 'port-unknown' | 'node-unknown' | 'global';

/** What is known of a Service. */
export interface Supply {
  readonly spec: ServiceSpec;
  readonly slices: readonly Slice[];
  /** Whether an endpoint is in two slices. */
  readonly overlap: boolean;
}

export interface Caller {
  readonly port: number;
  readonly own: OwnLocation;
  readonly families: Families;
}

/** The way to a Service that follows from its spec and its slices. */
export function route(supply: Supply, caller: Caller): Route {
  const { spec } = supply;
  switch (spec.kind) {
    case 'alias':
      return { way: 'alias', hostname: spec.hostname };
    case 'headless': {
      // Nothing translates ports for a headless Service, so the port in the URL is the port of the pods.
      const { port, own, families } = caller;
      const take = (all: readonly ServingEndpoint[]) => usable(all, own);
      return { way: 'pods', pods: podsIn(supply, () => port, families, take), clusterIP: undefined };
    }
    case 'cluster-ip':
      return routeBehind(spec, supply, caller);
  }
}

type ClusterIPSpec = Extract<ServiceSpec, { kind: 'cluster-ip' }>;

function routeBehind(spec: ClusterIPSpec, supply: Supply, { port, own, families }: Caller): Route {
  const [clusterIP] = families.choose(spec.clusterIPs);
  if (clusterIP === undefined) return { way: 'none' };
  const around = (reason: ClusterIPReason): Route => ({ way: 'cluster-ip', clusterIP, reason });

  const portName = spec.ports.get(port);
  if (portName === undefined) return around('port-unknown');
  if (spec.global && !supply.slices.some(({ remote }) => remote)) return around('global');

  const portOf = (slice: Slice) => slice.ports.get(portName);
  if (!spec.local) {
    return { way: 'pods', pods: podsIn(supply, portOf, families, (all) => usable(all, own)), clusterIP };
  }
  const { nodeName } = own;
  if (nodeName === undefined) return around('node-unknown');
  return {
    way: 'pods',
    pods: podsIn(supply, portOf, families, (all) => usableHere(all, nodeName)),
    clusterIP,
  };
}

/** Each pod of a dual-stack Service is in slices of both families. Only one family is used. */
function podsIn(
  { slices, overlap }: Supply,
  portOf: PortOf,
  families: Families,
  take: (all: readonly ServingEndpoint[]) => readonly ServingEndpoint[],
): readonly ServingEndpoint[] {
  const sets = (['IPv4', 'IPv6'] as const)
    .map((type) => slices.filter(({ addressType }) => addressType === type))
    .map((ofType) => take(overlap ? merge(ofType, portOf) : join(ofType, portOf)))
    .filter((pods) => pods.length > 0);
  const [chosen] = families.choose(sets.map(([pod]) => pod?.address ?? ''));
  return sets.find(([pod]) => pod?.address === chosen) ?? [];
}
