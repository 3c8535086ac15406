import type { ServiceObject } from '../../src/core/discovery/kubernetes/service-spec.ts';
import type { SliceObject } from '../../src/core/discovery/kubernetes/slice.ts';

type SliceEndpoint = NonNullable<SliceObject['endpoints']>[number];

export interface PodFacts {
  uid?: string;
  ready?: boolean | null;
  serving?: boolean | null;
  terminating?: boolean | null;
  zone?: string;
  nodeName?: string;
  forZones?: string[];
  forNodes?: string[];
}

/** One endpoint of a slice. Like the controller's, it has all three conditions unless told otherwise. */
export function podAt(address: string, facts: PodFacts = {}): SliceEndpoint {
  const { uid, ready = true, zone, nodeName, forZones, forNodes } = facts;
  const { serving = ready, terminating = false } = facts;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(uid !== undefined && { targetRef: { kind: 'Pod', uid } }),
    ...(zone !== undefined && { zone }),
    ...(nodeName !== undefined && { nodeName }),
    ...((forZones ?? forNodes) && {
      hints: {
        ...(forZones && { forZones: forZones.map((name) => ({ name })) }),
        ...(forNodes && { forNodes: forNodes.map((name) => ({ name })) }),
      },
    }),
  };
}

/** An endpoint that was told to stop. */
export function leaving(address: string, facts: PodFacts = {}): SliceEndpoint {
  return podAt(address, { ready: false, serving: true, terminating: true, ...facts });
}

export interface SliceFacts {
  /** Service port names, with the pods' port numbers; default: one without a name, 8080. */
  ports?: Record<string, number>;
  protocol?: string;
  addressType?: string;
  managedBy?: string;
  /** The uid of the Service for which the controller made it. */
  owner?: string | undefined;
  version?: string;
}

/** An EndpointSlice called `name`, of the Service `service`. */
export function sliceOf(
  service: string,
  name: string,
  endpoints: readonly SliceEndpoint[],
  facts: SliceFacts = {},
): SliceObject {
  const { ports = { '': 8080 }, protocol = 'TCP', addressType = 'IPv4', version = '1' } = facts;
  const { managedBy, owner } = facts;
  return {
    metadata: {
      name,
      resourceVersion: version,
      labels: {
        'kubernetes.io/service-name': service,
        ...(managedBy && { 'endpointslice.kubernetes.io/managed-by': managedBy }),
      },
      ...(owner && { ownerReferences: [{ kind: 'Service', uid: owner }] }),
    },
    addressType,
    ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol })),
    endpoints,
  };
}

/** A Service called `name` with one TCP port, 80, that has no name. */
export function serviceNamed(
  name: string,
  spec: ServiceObject['spec'] = {},
  annotations: Record<string, string> = {},
): ServiceObject {
  return {
    metadata: { name, annotations },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  };
}
