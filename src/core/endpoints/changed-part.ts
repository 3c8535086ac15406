import type { EndpointAddress } from '../discovery/resolver.ts';
import { endpointsByKey } from './endpoint-keys.ts';

/** What is in the place of what, by key. */
export interface ChangedPart<E> {
  readonly before: ReadonlyMap<string, E>;
  readonly after: ReadonlyMap<string, EndpointAddress>;
}

/**
 * The part of a set that isn't made from the very objects in `now`, and what is in its place. A resolver of
 * thousands of endpoints hands most of them out again. None where it isn't as simple as that.
 *
 * @param then what the set was made from, each an endpoint of its own
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
  // One that is also in the other part is there twice.
  for (const key of after.keys()) if (set.has(key) && !before.has(key)) return undefined;
  return { before, after };
}

/** Where two lists have not the very same items: from `start` to the end given for each. */
function changedRange<T>(then: readonly T[], now: readonly T[]) {
  const shorter = Math.min(then.length, now.length);
  let start = 0;
  while (start < shorter && then[start] === now[start]) start++;
  let same = 0;
  while (same < shorter - start && then.at(-1 - same) === now.at(-1 - same)) same++;
  return { start, endThen: then.length - same, endNow: now.length - same };
}
