import { Ring, RingNode } from '../base/ring.ts';
import type { Candidate, Picker } from './picker.ts';

class Slot<C> extends RingNode<C> {
  /** When the candidate last had its turn; 0 if it never had one. */
  turn = 0;
}

// One count for all rings, because a candidate moves between the rings of its service.
let turns = 0;

/**
 * Picks candidates in turn. If a candidate missed its turn because it had no free connection, it is next as soon as it
 * has one. A new candidate is next at once. Missed turns don't add up.
 */
export class RoundRobin<C extends Candidate> implements Picker<C> {
  readonly #ring = new Ring<C>();

  add(candidate: C): void {
    const slot = slotOf(candidate);
    const first = this.#ring.first as Slot<C> | undefined;
    if (first !== undefined && slot.turn < first.turn) this.#ring.prepend(slot);
    else this.#ring.append(slot);
  }

  remove(candidate: C): void {
    slotOf(candidate).unlink();
  }

  update(candidate: C): void {
    const slot = slotOf(candidate);
    if (slot.turn <= (this.#ring.last as Slot<C>).turn) return;
    slot.unlink();
    this.#ring.append(slot);
  }

  pick(): C | undefined {
    return this.#ring.first?.value;
  }

  used(candidate: C): void {
    slotOf(candidate).turn = ++turns;
  }

  before(a: C, b: C): boolean {
    return slotOf(a).turn < slotOf(b).turn;
  }
}

function slotOf<C extends Candidate>(candidate: C): Slot<C> {
  return ((candidate.slot as Slot<C> | undefined) ?? (candidate.slot = new Slot(candidate))) as Slot<C>;
}
