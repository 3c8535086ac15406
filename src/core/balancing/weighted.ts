import { Heap, HeapNode } from './heap.ts';
import type { Candidate, Picker } from './picker.ts';
import { advanced, current, LOAD_BOUNDS, rank, type TurnBounds } from './turn.ts';

const BOUNDS: Readonly<Record<Measure, TurnBounds>> = {
  turn: { behind: 1, ahead: 2 },
  load: LOAD_BOUNDS,
};

/**
 * What decides between weights. `load`: the least load for its weight, and if loads are about equal, the turn. `turn`:
 * only the turn.
 */
export type Measure = 'load' | 'turn';

/** The turns of a service. Its pickers share them. */
export class Turns {
  /** Grows by 1 while each candidate is served as often as its weight. */
  now = 0;
  /** The weight of all candidates that are in a picker of candidates that serve. */
  weight = 0;
  pickers = 0;
  readonly #shares = new Map<number, Share>();

  /** What the candidates of one weight share. */
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
  /** How long a turn takes: 1 / weight. To divide each time takes longer than all the rest. */
  readonly stride: number;
  /** When the next candidate of this weight has its turn. */
  turn: number;
  members = 0;
  /** The candidates of this weight in each picker. */
  readonly groups: (HeapNode<Group> | undefined)[] = [];

  constructor(weight: number, now: number) {
    this.weight = weight;
    this.stride = 1 / weight;
    // Half a turn from now, so that the turns of heavy candidates lie around those of light ones.
    this.turn = now + 0.5 * this.stride;
  }
}

/** The candidates of one weight in one picker. */
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
 * Picks candidates so that their shares match their weights. Another picker chooses among candidates of the same
 * weight, and `measure` decides between weights.
 *
 * Turns are those of stride scheduling (Waldspurger and Weihl, 1995): for each weight, the next turn comes 1/weight
 * after the last one. So heavy candidates have their turns between those of light ones, and the lightest has its turn
 * at the end. Usually there are few different weights, and the time of a choice depends only on their number.
 */
export class Weighted<C extends Candidate> implements Picker<C> {
  readonly #heap = new Heap<Group>();
  readonly #turns: Turns;
  readonly #index: number;
  readonly #measure: Measure;
  readonly #bounds: TurnBounds;
  readonly #createPicker: () => Picker<Slot>;
  readonly #serves: boolean;

  /** @param serves whether its candidates serve requests. If so, turns pass as fast as all of them together serve */
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
    const { picker } = node.value;
    picker.remove(slot);
    const first = picker.pick();
    if (first === undefined) this.#heap.remove(node);
    else this.#heap.move(node, this.#rank(first));
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
      const slot = node.value.picker.pick()!;
      // Its key may be too low. Another picker may have given the candidates of this weight their turn. And a weight that
      // isn't chosen, because all its candidates are busy, falls behind, and would be chosen for that.
      this.#heap.move(node, this.#rank(slot));
      if (node === this.#heap.first) return slot.candidate as C;
    }
    return undefined;
  }

  used(candidate: C): void {
    const slot = this.#slotOf(candidate);
    const turns = this.#turns;
    const { share } = slot;
    const { weight, stride, members } = share;
    turns.now += 1 / Math.max(turns.weight, weight);
    share.turn = advanced(share.turn, turns.now, stride, this.#bounds, members);
    // Also if the candidate is in another picker: one that was never connected is dialled in its turn.
    this.#groupOf(share).value.picker.used(slot);
  }

  before(a: C, b: C): boolean {
    const first = this.#slotOf(a);
    const second = this.#slotOf(b);
    if (first.share !== second.share) return this.#rank(first) < this.#rank(second);
    return this.#groupOf(first.share).value.picker.before(first, second);
  }

  /** Keeps what is left of a turn. Otherwise a weight that grows step by step would wait for its first turn for ever. */
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
    return this.#measure === 'load' ? rank(load, share.stride, turn) : turn;
  }

  #turnOf({ turn, stride }: Share): number {
    return current(turn, this.#turns.now, stride, this.#bounds);
  }

  /** The candidates of a weight in this picker; there may be none. */
  #groupOf(share: Share): HeapNode<Group> {
    return (share.groups[this.#index] ??= new HeapNode({ share, picker: this.#createPicker() }));
  }

  #slotOf(candidate: C): Slot {
    return ((candidate.slot as Slot | undefined) ??
      (candidate.slot = new Slot(candidate, this.#turns.of(candidate.weight)))) as Slot;
  }
}
