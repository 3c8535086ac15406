import { hash } from '../base/hash.ts';
import { hostName } from '../base/host.ts';
import type { SubsetSettings } from './settings.ts';

/**
 * Chooses the endpoints that a client uses: as many as its size. With `times`, as many times more, and the first ones
 * stay the same. The order of the items doesn't matter.
 */
export type Subset = <T>(items: readonly T[], keyOf: (item: T) => string, times?: number) => readonly T[];

/**
 * How many clients form a lot. With more, clients would share fewer endpoints with each other, but it would be harder
 * to share evenly.
 */
const LOT = 10;

/** The subset that the settings ask for, if any. `identity` differs from client to client. */
export function subsetFor(
  { size, index = ordinalOf(hostName()) }: SubsetSettings,
  identity: string,
): Subset | undefined {
  if (size === 0) return undefined;
  return index === undefined ? rendezvousSubset(size, identity) : evenSubset(size, index);
}

/**
 * The ordinal of a StatefulSet's pod, from its host name. Pods of other controllers have no name that ends with so
 * short a number. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id
 */
export function ordinalOf(host: string): number | undefined {
  const ordinal = /^[^.]+-(0|[1-9]\d{0,3})$/.exec(host)?.[1];
  return ordinal === undefined ? undefined : Number(ordinal);
}

/**
 * The `size` endpoints that rank first for this client, by rendezvous hashing. The client needs to know nothing about
 * other clients. Chance decides how many clients an endpoint has. If an endpoint comes or goes, only the subsets that
 * contain it change. https://github.com/grpc/proposal/blob/master/A68-random-subsetting.md
 */
export function rendezvousSubset(size: number, identity: string): Subset {
  return (items, keyOf, times = 1) =>
    items.length <= size * times ? items : ranked(items, keyOf, identity).slice(0, size * times);
}

/**
 * An even share for one of many clients that are numbered from 0: each endpoint has the same number of clients, give or
 * take one or two.
 *
 * The endpoints form a ring. Ten clients form a lot. The van der Corput sequence says where a lot begins, so that any
 * number of lots covers the ring evenly. Each lot deals the endpoints from there on to its clients, shuffled
 * differently in each lot, so that clients that share one endpoint share few others. This is Rocksteadier subsetting
 * for endpoints without an index: they stand in the order of their hashes, at equal distances. So if an endpoint comes
 * or goes, a lot loses at most one of its endpoints. https://queue.acm.org/detail.cfm?id=3570937
 */
export function evenSubset(size: number, index: number): Subset {
  const lot = Math.floor(index / LOT);
  const place = index % LOT;
  return (items, keyOf, times = 1) => {
    const { length } = items;
    if (length <= size * times || times > LOT) return items;
    const ring = ranked(items, keyOf, 'ring');
    const start = Math.floor(vanDerCorput(lot) * length);
    const dealt = ranked(around(ring, start, Math.min(LOT * size, length)), keyOf, `lot ${lot}`);
    return around(dealt, Math.floor((place * dealt.length) / LOT), Math.min(size * times, dealt.length));
  };
}

/** The items in an order that depends only on their keys and the salt. */
function ranked<T>(items: readonly T[], keyOf: (item: T) => string, salt: string): T[] {
  const high = hash(salt);
  const low = hash(salt, high);
  const byRank = new Map<number, T>();
  for (const item of items) {
    const key = keyOf(item);
    // 53 bits, so that no two ranks are equal.
    byRank.set(hash(key, high) * 2 ** 21 + (hash(key, low) >>> 11), item);
  }
  return Array.from(Float64Array.from(byRank.keys()).sort(), (rank) => byRank.get(rank)!);
}

/** `count` items from `start` on; after the last item, the first one follows. */
function around<T>(items: readonly T[], start: number, count: number): T[] {
  const end = start + count;
  return [...items.slice(start, end), ...items.slice(0, Math.max(0, end - items.length))];
}

/**
 * A sequence of numbers from 0 to below 1. However many of them one takes, they are spread evenly. Made by reversing
 * the bits of the index.
 */
function vanDerCorput(index: number): number {
  let result = 0;
  for (let rest = index, bit = 0.5; rest > 0; rest = Math.floor(rest / 2), bit /= 2) {
    if (rest % 2 === 1) result += bit;
  }
  return result;
}
