import type { ApiObject } from './api-client.ts';

/** An EndpointSlice, as the API writes it: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/ */
export interface SliceObject extends ApiObject {
  readonly metadata?: ApiObject['metadata'] & {
    readonly labels?: Record<string, string>;
    readonly ownerReferences?: readonly { kind: string; uid: string }[] | null;
  };
  readonly addressType?: string;
  readonly ports?: readonly { name?: string; port?: number; protocol?: string }[] | null;
  readonly endpoints?: readonly EndpointObject[] | null;
}

interface EndpointObject {
  readonly addresses?: readonly string[];
  readonly conditions?: { ready?: boolean | null; serving?: boolean | null; terminating?: boolean | null };
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: { kind?: string; uid?: string };
  readonly hints?: { forZones?: readonly { name: string }[]; forNodes?: readonly { name: string }[] };
}

/** An EndpointSlice, as far as balancing needs it. */
export interface Slice {
  readonly name: string;
  readonly version: string;
  readonly addressType: 'IPv4' | 'IPv6';
  /** The numbers of the TCP ports, by the name that the Service gives them. */
  readonly ports: ReadonlyMap<string, number>;
  /** The uid of the Service for which a controller made it; none if somebody wrote it by hand. */
  readonly owner: string | undefined;
  /** Its owner, and the name and family of each port. What the Service says decides over these. */
  readonly shape: readonly string[];
  readonly endpoints: readonly SliceEndpoint[];
  /** Whether its endpoints are in another cluster of a Cilium cluster mesh. */
  readonly remote: boolean;
}

export interface SliceEndpoint {
  readonly address: string;
  /** The uid of the pod. */
  readonly uid: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CLUSTER_MESH = 'endpointslice-mesh-controller.cilium.io';
const NONE: readonly never[] = [];
const MOST_NAMES = 5_000;
const names = new Map<string, string>();

/** Parses a slice; `undefined` if its endpoints are names, which evenkeel doesn't balance. */
export function parseSlice({ metadata, addressType, ports, endpoints }: SliceObject): Slice | undefined {
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return undefined;
  const tcp = (ports ?? []).filter(({ protocol }) => protocol === undefined || protocol === 'TCP');
  const numbers = new Map(tcp.flatMap(({ name, port }) => (port === undefined ? [] : [[name ?? '', port]])));
  const owner = metadata?.ownerReferences?.find(({ kind }) => kind === 'Service')?.uid;
  return {
    name: metadata?.name ?? '',
    version: metadata?.resourceVersion ?? '',
    addressType,
    ports: numbers,
    owner,
    shape: [...Array.from(numbers.keys(), (name) => `${addressType} ${name}`), `of ${owner}`],
    endpoints: (endpoints ?? []).flatMap(parseEndpoint),
    remote: metadata?.labels?.[MANAGED_BY] === CLUSTER_MESH,
  };
}

/** If a condition is missing, it is true, true and false, in this order. Of several addresses, only the first counts. */
function parseEndpoint(endpoint: EndpointObject): SliceEndpoint[] {
  const address = endpoint.addresses?.[0];
  if (address === undefined) return [];
  const { conditions, hints, targetRef } = endpoint;
  return [
    {
      address,
      uid: targetRef?.kind === 'Pod' ? targetRef.uid : undefined,
      ready: conditions?.ready ?? true,
      serving: conditions?.serving ?? true,
      terminating: conditions?.terminating ?? false,
      nodeName: shared(endpoint.nodeName),
      zone: shared(endpoint.zone),
      zoneHints: hints?.forZones?.map(({ name }) => name) ?? NONE,
      nodeHints: hints?.forNodes?.map(({ name }) => name) ?? NONE,
    },
  ];
}

/** Returns the same string object for equal texts, because thousands of endpoints are on a few nodes. */
function shared(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const known = names.get(name);
  if (known !== undefined) return known;
  // Nodes come and go, so the names are dropped now and then.
  if (names.size >= MOST_NAMES) names.clear();
  names.set(name, name);
  return name;
}
