import { Ring, RingNode } from '../base/ring.ts';
import type { Candidate, Picker } from './picker.ts';

/** Loads from here on count as equal. */
const MAX_LOAD = 1023;
const WORD_BITS = 5;

class Slot<C> extends RingNode<C> {
  bucket = 0;
}

/**
 * Picks the candidate with the least load, exactly; of several, the one that waited longest.
 *
 * Candidates stand in buckets by load. Bitmaps of two levels tell the lowest bucket that is not empty, so
 * every operation takes constant time.
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
    this.#unlink(candidate.slot as Slot<C>);
  }

  update(candidate: C): void {
    const slot = candidate.slot as Slot<C>;
    const bucket = bucketOf(candidate);
    if (bucket === slot.bucket) return;
    this.#unlink(slot);
    this.#append(slot, bucket);
  }

  pick(): C | undefined {
    if (this.#summary === 0) return undefined;
    const word = lowestBit(this.#summary);
    const bucket = (word << WORD_BITS) | lowestBit(this.#words[word]!);
    return this.#buckets[bucket]!.first!.value;
  }

  used(): void {}

  before(a: C, b: C): boolean {
    return a.load < b.load;
  }

  #append(slot: Slot<C>, bucket: number): void {
    slot.bucket = bucket;
    for (let n = this.#buckets.length; n <= bucket; n++) this.#buckets.push(new Ring());
    this.#buckets[bucket]!.append(slot);
    const word = bucket >> WORD_BITS;
    this.#words[word]! |= 1 << bucket;
    this.#summary |= 1 << word;
  }

  #unlink(slot: Slot<C>): void {
    slot.unlink();
    const { bucket } = slot;
    if (!this.#buckets[bucket]!.empty) return;
    const word = bucket >> WORD_BITS;
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
