import { hash } from '../base/hash.ts';
import { hostName } from '../base/host.ts';
import type { SubsetSettings } from './settings.ts';

/**
 * Which of many endpoints a client uses: as many as its size, or `times` as many, with those in front. Says the same for
 * the same ones, whatever their order.
 */
export type Subset = <T>(items: readonly T[], keyOf: (item: T) => string, times?: number) => readonly T[];

/** Clients that are dealt with together. More would share less with each other, and find it harder to share evenly. */
const LOT = 10;

/** The subset that the settings ask for, if they do. `identity` tells this client from others. */
export function subsetFor(
  { size, index = ordinalOf(hostName()) }: SubsetSettings,
  identity: string,
): Subset | undefined {
  if (size === 0) return undefined;
  return index === undefined ? rendezvousSubset(size, identity) : evenSubset(size, index);
}

/**
 * The ordinal of a StatefulSet's pod, by its host name. No other pod of a controller has a name that ends
 * with a number as short as that.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id
 */
export function ordinalOf(host: string): number | undefined {
  const ordinal = /^[^.]+-(0|[1-9]\d{0,3})$/.exec(host)?.[1];
  return ordinal === undefined ? undefined : Number(ordinal);
}

/**
 * The `size` endpoints that rank first for this client, by rendezvous hashing: for a client that knows
 * nothing of the others. Each endpoint has as many clients as chance gives it. One that comes or goes
 * changes the subsets that it is in, and no other.
 * https://github.com/grpc/proposal/blob/master/A68-random-subsetting.md
 */
export function rendezvousSubset(size: number, identity: string): Subset {
  return (items, keyOf, times = 1) =>
    items.length <= size * times ? items : ranked(items, keyOf, identity).slice(0, size * times);
}

/**
 * An even share for one of many clients that count from 0: each endpoint has as many clients as any other,
 * give or take one or two.
 *
 * The endpoints stand on a ring. Lots of ten clients begin where the van der Corput sequence says, so that
 * any number of lots covers the ring evenly; each deals the endpoints from there on to its clients, shuffled
 * in its own way, so that those who share an endpoint share few. This is Rocksteadier subsetting for
 * endpoints that have no index: they stand in the order of their hashes, at equal distances, which costs a
 * lot one of its endpoints at most when one comes or goes anywhere.
 * https://queue.acm.org/detail.cfm?id=3570937
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

/** The items in an order that depends on nothing but their keys and the salt. */
function ranked<T>(items: readonly T[], keyOf: (item: T) => string, salt: string): T[] {
  const high = hash(salt);
  const low = hash(salt, high);
  const byRank = new Map<number, T>();
  for (const item of items) {
    const key = keyOf(item);
    // 53 bits, so that no two are alike.
    byRank.set(hash(key, high) * 2 ** 21 + (hash(key, low) >>> 11), item);
  }
  return Array.from(Float64Array.from(byRank.keys()).sort(), (rank) => byRank.get(rank)!);
}

/** As many items as said from `start` on, and from the first one on after the last. */
function around<T>(items: readonly T[], start: number, count: number): T[] {
  const end = start + count;
  return [...items.slice(start, end), ...items.slice(0, Math.max(0, end - items.length))];
}

/** Numbers from 0 to below 1, the first few of which are spread evenly, however many: the bits of the index in reverse. */
function vanDerCorput(index: number): number {
  let result = 0;
  for (let rest = index, bit = 0.5; rest > 0; rest = Math.floor(rest / 2), bit /= 2) {
    if (rest % 2 === 1) result += bit;
  }
  return result;
}
