import type { KnownService } from './service-spec.ts';
import type { Slice } from './slice.ts';

/**
 * The slices that belong to this very Service. If a Service was deleted and created again at once, new slices come
 * before the old ones go. Until new ones come, kube-proxy uses the old ones too.
 */
export function ownSlices(service: KnownService | 'absent', slices: readonly Slice[]): readonly Slice[] {
  if (service === 'absent' || service.uid === undefined) return slices;
  const { uid } = service;
  if (!slices.some(({ owner }) => owner === uid)) return slices;
  return slices.filter(({ owner }) => owner === undefined || owner === uid);
}

/**
 * Whether a Service and its slices are probably from the same moment. They come on two watches, and the controller
 * writes slices after the Service has changed. In between they may belong to two Services with the same name, or one
 * may have ports that the other doesn't know.
 */
export function fits(service: KnownService | 'absent', slices: readonly Slice[]): boolean {
  if (service === 'absent') return slices.every(({ owner }) => owner === undefined);
  const { spec, uid } = service;
  if (spec.kind === 'alias') return true;
  const own = ownSlices(service, slices);
  if (uid !== undefined && own.some(({ owner }) => owner !== undefined && owner !== uid)) return false;
  if (spec.kind === 'headless' || own.length === 0) return true;
  const names = new Set(spec.ports.values());
  return (
    own.every(({ ports }) => [...ports.keys()].every((name) => names.has(name))) &&
    [...names].every((name) => own.some(({ ports }) => ports.has(name)))
  );
}
