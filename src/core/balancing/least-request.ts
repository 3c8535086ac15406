import { Ring, RingNode } from '../base/ring.ts';
import type { Candidate, Picker } from './picker.ts';

/** From this load on, all loads count as equal. */
const MAX_LOAD = 1023;
const WORD_BITS = 5;

class Slot<C> extends RingNode<C> {
  bucket = 0;
}

/**
 * Picks the candidate with exactly the least load. If several have it, the one that waited longest.
 *
 * Candidates are in buckets by load. Bitmaps of two levels show the lowest bucket that has any, so each operation takes
 * constant time. A bucket that has become empty stays marked until it is looked at: usually it has a candidate again by then.
 */
export class LeastRequest<C extends Candidate> implements Picker<C> {
  readonly #buckets: Ring<C>[] = [];
  readonly #words = new Int32Array((MAX_LOAD + 1) >> WORD_BITS);
  #summary = 0;

  add(candidate: C): void {
    const slot = ((candidate.slot as Slot<C> | undefined) ??
      (candidate.slot = new Slot(candidate))) as Slot<C>;
    this.#append(slot, bucketOf(candidate));
  }

  remove(candidate: C): void {
    (candidate.slot as Slot<C>).unlink();
  }

  update(candidate: C): void {
    const slot = candidate.slot as Slot<C>;
    const bucket = bucketOf(candidate);
    if (bucket === slot.bucket) return;
    slot.unlink();
    this.#append(slot, bucket);
  }

  pick(): C | undefined {
    while (this.#summary !== 0) {
      const word = lowestBit(this.#summary);
      const bucket = (word << WORD_BITS) | lowestBit(this.#words[word]!);
      const slot = this.#buckets[bucket]!.first;
      if (slot !== undefined) return slot.value;
      this.#unmark(word, bucket);
    }
    return undefined;
  }

  used(): void {}

  before(a: C, b: C): boolean {
    return a.load < b.load;
  }

  #append(slot: Slot<C>, bucket: number): void {
    slot.bucket = bucket;
    if (bucket >= this.#buckets.length) this.#grow(bucket + 1);
    this.#buckets[bucket]!.append(slot);
    const word = bucket >> WORD_BITS;
    this.#words[word]! |= 1 << bucket;
    this.#summary |= 1 << word;
  }

  #grow(length: number): void {
    for (let n = this.#buckets.length; n < length; n++) this.#buckets.push(new Ring());
  }

  #unmark(word: number, bucket: number): void {
    this.#words[word]! &= ~(1 << bucket);
    if (this.#words[word] === 0) this.#summary &= ~(1 << word);
  }
}

function bucketOf(candidate: Candidate): number {
  return Math.min(candidate.load, MAX_LOAD);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
