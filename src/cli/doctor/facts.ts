import { ApiError } from '../../core/discovery/kubernetes/api.ts';
import type { ServiceName } from '../../core/discovery/kubernetes/match.ts';
import type { Examination, Finding, KubernetesSeen } from './examination.ts';

type Said = Omit<Finding, 'code'>;

/** The checks by code. Each returns its finding if it applies. */
export type Checks = Readonly<
  Record<string, (examination: Examination) => Said | readonly Said[] | undefined>
>;

/** Whether the pods of a Service are hidden behind one address, and don't name themselves. */
export function isBlind(examination: Examination): boolean {
  return !namesItself(examination) && isBehindOneAddress(examination);
}

function isBehindOneAddress({ resolution, kubernetes: { service, seen }, mesh }: Examination): boolean {
  if (service === undefined || mesh !== undefined || isHeadless({ seen })) return false;
  if (resolution === undefined || 'error' in resolution) return false;
  return resolution.source !== 'endpointslices' && resolution.endpoints.length === 1;
}

/** Whether names of pods would help: requests go to one address, which may lead to any pod. */
export function needsNames(examination: Examination): boolean {
  const { response, endpoints, kubernetes } = examination;
  if (response === undefined || response.error !== undefined || response.identity !== undefined) return false;
  if (isSeen(kubernetes.seen) && affinityOf(kubernetes.seen) !== undefined) return false;
  const { resolution } = examination;
  const goesToClusterIP =
    resolution?.source === 'clusterip' || endpoints.some(({ state }) => state === 'ClusterIP');
  return goesToClusterIP || isBehindOneAddress(examination);
}

/** Whether the pod behind the one address of a Service gave its name. */
export function namesItself(examination: Examination): boolean {
  return examination.response?.identity !== undefined && isBehindOneAddress(examination);
}

export function isHeadless({ seen }: Pick<KubernetesSeen, 'seen'>): boolean {
  return isSeen(seen) && seen.supply.spec.kind === 'headless';
}

export function isSeen(
  seen: KubernetesSeen['seen'],
): seen is Exclude<KubernetesSeen['seen'], 'absent' | undefined> {
  return seen !== undefined && seen !== 'absent';
}

export function affinityOf({ supply: { spec } }: Exclude<KubernetesSeen['seen'], 'absent' | undefined>) {
  return spec.kind === 'cluster-ip' ? spec.affinity : undefined;
}

export function lacksRights({ rights, service, error }: KubernetesSeen): boolean {
  const isRefused = error instanceof ApiError && error.status === 403;
  return service !== undefined && (isRefused || rights.some(({ allowed }) => allowed === false));
}

export function nameOf(service: ServiceName | undefined): string {
  return service === undefined ? 'the Service' : `Service ${service.namespace}/${service.name}`;
}

export function errorOf({ resolution }: Examination): Error | undefined {
  return resolution !== undefined && 'error' in resolution ? resolution.error : undefined;
}
