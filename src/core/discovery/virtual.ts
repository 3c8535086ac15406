import { isLoopback, isPrivate } from './addresses.ts';
import type { ClusterNames } from './kubernetes/cluster-names.ts';
import type { Resolution, Resolver } from './resolver.ts';

/**
 * Marks virtual addresses among those that a resolver of names yields. If there is one address only, and it is private
 * or the name is the name of a Service, something behind the address may pick a pod for each connection.
 */
export function noticeVirtual(resolver: Resolver, names: Pick<ClusterNames, 'contains'>): Resolver {
  return async function* (target, signal) {
    for await (const resolution of resolver(target, signal)) {
      yield isVirtual(resolution, names) ? { ...resolution, virtual: true } : resolution;
    }
  };
}

function isVirtual(resolution: Resolution, names: Pick<ClusterNames, 'contains'>): boolean {
  if ('error' in resolution || resolution.endpoints.length !== 1) return false;
  const { address } = resolution.endpoints[0]!;
  const isService = names.contains(resolution.matchedName ?? '');
  return !isLoopback(address) && (isService || isPrivate(address));
}
