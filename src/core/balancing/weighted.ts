import { Heap, HeapNode } from './heap.ts';
import type { Candidate, Picker } from './picker.ts';
import { advanced, current, LOAD_BOUNDS, rank, type TurnBounds } from './turn.ts';

const BOUNDS: Readonly<Record<Measure, TurnBounds>> = {
  turn: { behind: 1, ahead: 2 },
  load: LOAD_BOUNDS,
};

/** What decides between weights: the least load for its weight, and the turn where that is about equal; or the turn alone. */
export type Measure = 'load' | 'turn';

/** The turns of a service, which its pickers share. */
export class Turns {
  /** Grows by 1 while each candidate is served as often as it weighs. */
  now = 0;
  /** Of all candidates that are in a picker, but for one of those that have not come to serve yet. */
  weight = 0;
  pickers = 0;
  readonly #shares = new Map<number, Share>();

  /** What those of a weight share. */
  of(weight: number): Share {
    let share = this.#shares.get(weight);
    if (share === undefined) {
      for (const [old, { members }] of this.#shares) if (members === 0) this.#shares.delete(old);
      share = new Share(weight, this.now);
      this.#shares.set(weight, share);
    }
    return share;
  }
}

/** The candidates of one weight. */
class Share {
  readonly weight: number;
  /** When the next of them has its turn. */
  turn: number;
  members = 0;
  /** Those of each picker. */
  readonly groups: (HeapNode<Group> | undefined)[] = [];

  constructor(weight: number, now: number) {
    this.weight = weight;
    // Half a turn from now, so that those of a heavy one lie around those of a light one.
    this.turn = now + 0.5 / weight;
  }
}

/** The candidates of one weight that are in one picker. */
interface Group {
  readonly share: Share;
  readonly picker: Picker<Slot>;
}

class Slot implements Candidate {
  readonly candidate: Candidate;
  share: Share;
  slot: unknown = undefined;

  constructor(candidate: Candidate, share: Share) {
    this.candidate = candidate;
    this.share = share;
  }

  get load(): number {
    return this.candidate.load;
  }

  get weight(): number {
    return this.share.weight;
  }
}

/**
 * Picks candidates so that their shares are as their weights are: among those of one weight as another
 * picker does, and among weights by `measure`.
 *
 * Turns are stride scheduling's (Waldspurger and Weihl, 1995): each weight has its next one the inverse of it
 * after the last, so that heavy ones have theirs in between those of light ones, and the lightest has its
 * own in the end. There are few different weights, as a rule, and the time a choice takes depends on their
 * number only.
 */
export class Weighted<C extends Candidate> implements Picker<C> {
  readonly #heap = new Heap<Group>();
  readonly #turns: Turns;
  readonly #index: number;
  readonly #measure: Measure;
  readonly #bounds: TurnBounds;
  readonly #createPicker: () => Picker<Slot>;
  readonly #serves: boolean;

  /** @param serves whether its candidates are such as serve, so that turns pass as fast as they all are served */
  constructor(turns: Turns, measure: Measure, createPicker: () => Picker<Slot>, serves = true) {
    this.#turns = turns;
    this.#index = turns.pickers++;
    this.#measure = measure;
    this.#bounds = BOUNDS[measure];
    this.#createPicker = createPicker;
    this.#serves = serves;
  }

  add(candidate: C): void {
    const slot = this.#slotOf(candidate);
    if (slot.share.weight !== candidate.weight) slot.share = this.#turns.of(candidate.weight);
    const { share } = slot;
    if (this.#serves) this.#turns.weight += share.weight;
    share.members++;
    const node = this.#groupOf(share);
    node.value.picker.add(slot);
    if (node.index < 0) this.#heap.add(node, this.#keyOf(node.value));
    else this.#heap.move(node, this.#keyOf(node.value));
  }

  remove(candidate: C): void {
    const slot = this.#slotOf(candidate);
    const { share } = slot;
    if (this.#serves) this.#turns.weight -= share.weight;
    share.members--;
    const node = share.groups[this.#index]!;
    node.value.picker.remove(slot);
    if (node.value.picker.pick() === undefined) this.#heap.remove(node);
    else this.#heap.move(node, this.#keyOf(node.value));
  }

  update(candidate: C): void {
    const slot = this.#slotOf(candidate);
    const before = slot.share;
    if (before.weight !== candidate.weight) {
      this.remove(candidate);
      this.#continue(before, this.#turns.of(candidate.weight));
      this.add(candidate);
      return;
    }
    const node = slot.share.groups[this.#index]!;
    node.value.picker.update(slot);
    this.#heap.move(node, this.#keyOf(node.value));
  }

  pick(): C | undefined {
    for (let node = this.#heap.first; node !== undefined; node = this.#heap.first) {
      const key = this.#keyOf(node.value);
      // Another picker may have given those of this weight their turn. And a weight that isn't chosen, for all
      // of it is busy, falls behind, and would be chosen for that.
      if (!this.#heap.move(node, key)) return node.value.picker.pick()!.candidate as C;
    }
    return undefined;
  }

  used(candidate: C): void {
    const slot = this.#slotOf(candidate);
    const turns = this.#turns;
    const { share } = slot;
    const { weight, members } = share;
    turns.now += 1 / Math.max(turns.weight, weight);
    share.turn = advanced(share.turn, turns.now, weight, this.#bounds, members);
    // Though it be in another picker, as one is that has never been connected, and is dialled in its turn.
    this.#groupOf(share).value.picker.used(slot);
  }

  before(a: C, b: C): boolean {
    const first = this.#slotOf(a);
    const second = this.#slotOf(b);
    if (first.share !== second.share) return this.#rank(first) < this.#rank(second);
    return this.#groupOf(first.share).value.picker.before(first, second);
  }

  /** Keeps what part of a turn is left: one that grows step by step would wait for its first for ever. */
  #continue(before: Share, after: Share): void {
    if (after.members > 0) return;
    const { now } = this.#turns;
    after.turn = now + ((this.#turnOf(before) - now) * before.weight) / after.weight;
  }

  #keyOf({ picker }: Group): number {
    return this.#rank(picker.pick()!);
  }

  #rank({ load, share }: Slot): number {
    const turn = this.#turnOf(share);
    return this.#measure === 'load' ? rank(load, share.weight, turn) : turn;
  }

  #turnOf({ turn, weight }: Share): number {
    return current(turn, this.#turns.now, weight, this.#bounds);
  }

  /** Those of a weight in this picker, be it none. */
  #groupOf(share: Share): HeapNode<Group> {
    return (share.groups[this.#index] ??= new HeapNode({ share, picker: this.#createPicker() }));
  }

  #slotOf(candidate: C): Slot {
    return ((candidate.slot as Slot | undefined) ??
      (candidate.slot = new Slot(candidate, this.#turns.of(candidate.weight)))) as Slot;
  }
}
