import { ApiError } from '../../core/discovery/kubernetes/api.ts';
import type { ServiceName } from '../../core/discovery/kubernetes/match.ts';
import type { Examination, Finding, KubernetesSeen } from './examination.ts';

type Said = Omit<Finding, 'code'>;

/** What there is to say about an examination, by code: each says it if it is so. */
export type Checks = Readonly<
  Record<string, (examination: Examination) => Said | readonly Said[] | undefined>
>;

/** Whether a Service's pods are hidden behind one address. */
export function isBlind({ resolution, kubernetes: { service, seen }, mesh }: Examination): boolean {
  if (service === undefined || mesh !== undefined || isHeadless({ seen })) return false;
  if (resolution === undefined || 'error' in resolution) return false;
  return resolution.source !== 'endpointslices' && resolution.endpoints.length === 1;
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
