import { hash as hashOf } from '../base/hash.ts';

/** What a ring needs to know of its members. */
export interface RingMember {
  readonly key: string;
  readonly weight: number;
}

/**
 * With bounded loads, every member may carry this many requests, whatever the mean. With few requests, the mean is below
 * one, and two requests of one key at once would already be too many. A member with so few isn't overloaded.
 */
export const LEAST_BOUND = 5;

/** How many points a member of ordinary weight has. */
const POINTS = 8;
const MOST_POINTS = 512;
/** At how many places of the ring a key looks. */
const PROBES = 11;
const GOLDEN = 0x9e3779b9;

interface Point<T> {
  readonly at: number;
  readonly owner: T;
}

/**
 * Consistent hashing. A key leads to the same member as long as the member is there. A member that comes or goes moves
 * only its own share of the keys. All clients that know the same members agree.
 *
 * A key looks at several places of the ring, and belongs to the member that is nearest behind one of them. That is as
 * even as thousands of points for each member, and needs little memory (Appleton and O'Reilly, Multi-probe consistent
 * hashing, 2015: https://arxiv.org/abs/1505.00062).
 */
export class HashRing<T extends RingMember> {
  /** The points in order, and a directory that gives the first point of each stretch of the ring. */
  #points: Uint32Array = new Uint32Array(0);
  #owners: T[] = [];
  #directory: Uint32Array = new Uint32Array(2);
  #shift = 31;
  readonly #members = new Set<T>();
  /** Members that weigh less than one point, with the part of the point's keys that they take. */
  readonly #thin = new Map<T, number>();
  /** Whether there are such members. */
  #isUneven = false;
  /**
   * The weight of an ordinary member, rounded to a power of two. It seldom changes, because all points change with it:
   * lighter members don't move the median, and equal weights are far from where it changes.
   */
  #unit = 1;
  /** The weight of all members. */
  weight = 0;

  /** Adds and removes members. A member that is in both lists is added again, with its present weight. */
  update(added: readonly T[], removed: readonly T[]): void {
    if (added.length + removed.length === 0) return;
    for (const member of removed) {
      this.#members.delete(member);
      this.#thin.delete(member);
    }
    for (const member of added) this.#members.add(member);
    this.weight = 0;
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (const { weight } of this.#members) {
      this.weight += weight;
      least = Math.min(least, weight);
      most = Math.max(most, weight);
    }
    const ordinary = least < most ? this.#medianWeight() : most;
    const unit = ordinary === 0 ? 1 : 2 ** Math.round(Math.log2(ordinary));
    if (unit === this.#unit) {
      this.#merge(new Set(removed), this.#pointsOf(added));
      return;
    }
    this.#unit = unit;
    this.#thin.clear();
    const points = this.#pointsOf([...this.#members]);
    this.#place(
      Uint32Array.from(points, ({ at }) => at),
      points.map(({ owner }) => owner),
    );
  }

  #medianWeight(): number {
    const weights = Float64Array.from(this.#members, ({ weight }) => weight).sort();
    return weights[weights.length >> 1] ?? 0;
  }

  /** Adds a member again if it is in the ring, because its weight has changed. */
  reweigh(member: T): void {
    if (this.#members.has(member)) this.update([member], [member]);
  }

  /** The member for the hash of a key: the first one for this key that is accepted. */
  pick(hash: number, accepts: (member: T) => boolean): T | undefined {
    if (this.#owners.length === 0) return undefined;
    const first = this.#owners[this.#nearest(hash)]!;
    if (!(this.#isUneven && this.#passes(first, hash)) && accepts(first)) return first;
    const next = this.#nearestOf(hash, accepts);
    if (next >= 0) return this.#owners[next];
    return this.#behind(hash, accepts);
  }

  /**
   * Whether a member leaves a key to the next one, because its only point would give it more than its weight. A member
   * of ordinary weight never does, and there is always one.
   */
  #passes(member: T, hash: number): boolean {
    const part = this.#thin.get(member);
    return part !== undefined && scatter(~hash) >= part * 2 ** 32;
  }

  /** The point that is nearest behind any of the places at which a key looks. */
  #nearest(hash: number): number {
    let nearest = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let probe = 0, seed = hash; probe < PROBES; probe++, seed = (seed + GOLDEN) | 0) {
      const place = scatter(seed);
      const index = this.#find(place);
      const distance = (this.#points[index]! - place) >>> 0;
      if (distance >= least) continue;
      least = distance;
      nearest = index;
    }
    return nearest;
  }

  /** The same, only for points whose owner takes the key and is accepted; -1 if there is none. */
  #nearestOf(hash: number, accepts: (member: T) => boolean): number {
    let nearest = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let probe = 0, seed = hash; probe < PROBES; probe++, seed = (seed + GOLDEN) | 0) {
      const place = scatter(seed);
      let index = this.#find(place);
      if (this.#isUneven) while (this.#passes(this.#owners[index]!, hash)) index = this.#after(index);
      const distance = (this.#points[index]! - place) >>> 0;
      if (distance >= least || !accepts(this.#owners[index]!)) continue;
      least = distance;
      nearest = index;
    }
    return nearest;
  }

  /**
   * The owner of the first accepted point behind a place, once around the ring. An owner that leaves the key to others
   * is taken only if there is no other.
   */
  #behind(hash: number, accepts: (member: T) => boolean): T | undefined {
    let passing: T | undefined;
    let index = this.#find(hash);
    for (let step = this.#owners.length; step > 0; step--, index = this.#after(index)) {
      const owner = this.#owners[index]!;
      if (!accepts(owner)) continue;
      if (!this.#isUneven || !this.#passes(owner, hash)) return owner;
      passing ??= owner;
    }
    return passing;
  }

  #after(index: number): number {
    return index + 1 === this.#owners.length ? 0 : index + 1;
  }

  /** The first point at a place, or behind it. */
  #find(place: number): number {
    const points = this.#points;
    const { length } = points;
    let index = this.#directory[place >>> this.#shift]!;
    while (index < length && points[index]! < place) index++;
    return index === length ? 0 : index;
  }

  /** The points of members, in order. If two points are equal, their order is the same for every client. */
  #pointsOf(members: readonly T[]): Point<T>[] {
    const all: Point<T>[] = [];
    for (const owner of members) {
      const points = (POINTS * owner.weight) / this.#unit;
      const count = Math.round(points);
      if (points < 1) this.#thin.set(owner, points);
      let at = hashOf(owner.key);
      for (let n = 0; n < Math.min(Math.max(count, 1), MOST_POINTS); n++) {
        at = (at + GOLDEN) | 0;
        all.push({ at: scatter(at), owner });
      }
    }
    return all.sort(inOrder);
  }

  /** Removes the points of members that have gone, and inserts new ones. */
  #merge(gone: ReadonlySet<T>, fresh: readonly Point<T>[]): void {
    const points = new Uint32Array(this.#points.length + fresh.length);
    const owners: T[] = [];
    let length = 0;
    let next = 0;
    const take = (at: number, owner: T) => {
      points[length++] = at;
      owners.push(owner);
    };
    for (const [index, owner] of this.#owners.entries()) {
      if (gone.size > 0 && gone.has(owner)) continue;
      const at = this.#points[index]!;
      for (; next < fresh.length && inOrder(fresh[next]!, { at, owner }) < 0; next++) {
        take(fresh[next]!.at, fresh[next]!.owner);
      }
      take(at, owner);
    }
    for (; next < fresh.length; next++) take(fresh[next]!.at, fresh[next]!.owner);
    this.#place(points.subarray(0, length), owners);
  }

  #place(points: Uint32Array, owners: T[]): void {
    const { length } = points;
    const bits = Math.max(1, Math.ceil(Math.log2(length + 1)));
    const shift = 32 - bits;
    const directory = new Uint32Array(2 ** bits);
    let stretch = 0;
    for (let index = 0; index < length; index++) {
      for (const last = points[index]! >>> shift; stretch <= last; stretch++) directory[stretch] = index;
    }
    directory.fill(length, stretch);
    this.#isUneven = this.#thin.size > 0;
    this.#points = points;
    this.#owners = owners;
    this.#directory = directory;
    this.#shift = shift;
  }
}

function inOrder<T extends RingMember>(a: Point<T>, b: Point<T>): number {
  return a.at - b.at || (a.owner.key < b.owner.key ? -1 : 1);
}

/** MurmurHash3's finalizer: spreads numbers that are near each other. */
function scatter(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
