import type { ApiObject } from './api-client.ts';
import type { ServiceName } from './match.ts';

/** What a Service says about how it is reached. */
export type ServiceSpec =
  | {
      readonly kind: 'alias';
      /** The name to which callers are sent. */
      readonly hostname: string;
    }
  | { readonly kind: 'headless' }
  | {
      readonly kind: 'cluster-ip';
      /** One for each address family of the Service. */
      readonly clusterIPs: readonly string[];
      /** The names of the TCP ports by number. If there is only one port, its name may be empty. */
      readonly ports: ReadonlyMap<number, string>;
      /** `internalTrafficPolicy: Local`: only pods on the caller's node may be used. */
      readonly local: boolean;
      /** `sessionAffinity: ClientIP`: for how many milliseconds a client that sends nothing keeps its pod. */
      readonly affinity: number | undefined;
      /** Cilium: pods of other clusters serve too. */
      readonly global: boolean;
    };

export interface ServiceObject extends ApiObject {
  readonly metadata?: ApiObject['metadata'] & {
    readonly uid?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly spec?: {
    readonly type?: string;
    readonly externalName?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ports?: readonly { name?: string; port: number; protocol?: string }[];
    readonly internalTrafficPolicy?: string;
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  };
}

/** A Service as it is now. */
export interface KnownService {
  readonly spec: ServiceSpec;
  /** Tells it from an earlier Service with the same name. */
  readonly uid: string | undefined;
}

/** The path to list and watch the Services of a namespace with this name. */
export function servicesPath({ namespace, name }: ServiceName): string {
  return `/api/v1/namespaces/${namespace}/services?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
}

export function serviceIn(object: ServiceObject): KnownService {
  return { spec: parseService(object), uid: object.metadata?.uid };
}

const AFFINITY_SECONDS = 10_800;

export function parseService({ metadata, spec = {} }: ServiceObject): ServiceSpec {
  if (spec.type === 'ExternalName') {
    return { kind: 'alias', hostname: (spec.externalName ?? '').replace(/\.$/, '') };
  }
  if (spec.clusterIP === 'None') return { kind: 'headless' };
  const tcp = (spec.ports ?? []).filter(({ protocol }) => protocol === undefined || protocol === 'TCP');
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS;
  return {
    kind: 'cluster-ip',
    clusterIPs: spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []),
    ports: new Map(tcp.map(({ port, name }) => [port, name ?? ''])),
    local: spec.internalTrafficPolicy === 'Local',
    affinity: spec.sessionAffinity === 'ClientIP' ? seconds * 1_000 : undefined,
    global: isGlobal(metadata?.annotations ?? {}),
  };
}

/** https://docs.cilium.io/en/stable/network/clustermesh/services/ */
function isGlobal(annotations: Record<string, string>): boolean {
  const global = annotations['service.cilium.io/global'] ?? annotations['io.cilium/global-service'];
  return global === 'true';
}
