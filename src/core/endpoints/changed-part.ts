import type { EndpointAddress } from '../discovery/resolver.ts';
import { endpointsByKey } from './endpoint-keys.ts';

/** What was there before, and what replaces it, by key. */
export interface ChangedPart<E> {
  readonly before: ReadonlyMap<string, E>;
  readonly after: ReadonlyMap<string, EndpointAddress>;
}

/**
 * The part of a list that has changed. A resolver with thousands of endpoints usually returns most of the same objects
 * again. Returns `undefined` if the change isn't that simple.
 *
 * @param then the list from which the set was made; each item is an endpoint
 */
export function changedPart<E>(
  then: readonly EndpointAddress[],
  now: readonly EndpointAddress[],
  set: ReadonlyMap<string, E>,
): ChangedPart<E> | undefined {
  const { start, endThen, endNow } = changedRange(then, now);
  const before = new Map<string, E>();
  for (const key of endpointsByKey(then.slice(start, endThen)).keys()) before.set(key, set.get(key)!);
  const after = endpointsByKey(now.slice(start, endNow));
  // An endpoint that is also outside the changed part is listed twice.
  for (const key of after.keys()) if (set.has(key) && !before.has(key)) return undefined;
  return { before, after };
}

/** The range in which two lists don't have the same items: from `start` to the end for each list. */
function changedRange<T>(then: readonly T[], now: readonly T[]) {
  const shorter = Math.min(then.length, now.length);
  let start = 0;
  while (start < shorter && then[start] === now[start]) start++;
  let same = 0;
  while (same < shorter - start && then.at(-1 - same) === now.at(-1 - same)) same++;
  return { start, endThen: then.length - same, endNow: now.length - same };
}
