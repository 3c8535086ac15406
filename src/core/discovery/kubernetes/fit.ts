import type { KnownService } from './service-spec.ts';
import type { Slice } from './slice.ts';

/**
 * The slices that are a Service's own. Of one that was deleted and created anew at once, the new slices come
 * before those of its forerunner go; until they come, the old ones are what kube-proxy goes by, too.
 */
export function ownSlices(service: KnownService | 'absent', slices: readonly Slice[]): readonly Slice[] {
  if (service === 'absent' || service.uid === undefined) return slices;
  const { uid } = service;
  if (!slices.some(({ owner }) => owner === uid)) return slices;
  return slices.filter(({ owner }) => owner === undefined || owner === uid);
}

/**
 * Whether a Service and its slices are of one moment, as far as can be seen. They come on two watches, and their
 * controller writes slices after the Service has changed: in between they may speak of two Services that have had
 * the name, or of ports that the other does not know.
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
