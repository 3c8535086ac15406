import type { Slice, SliceEndpoint } from './slice.ts';

/** The slices of a Service, by name. */
export class SliceSet {
  readonly #slices = new Map<string, Slice>();
  readonly #shape = new Tally();
  readonly #addresses = new Tally();
  // Each pod of a dual-stack Service is in slices of both families.
  readonly #pods = { IPv4: new Tally(), IPv6: new Tally() };

  get(name: string): Slice | undefined {
    return this.#slices.get(name);
  }

  put(slice: Slice): void {
    const before = this.#slices.get(slice.name);
    this.#slices.set(slice.name, slice);
    this.#count(before, slice);
  }

  delete(name: string): void {
    const before = this.#slices.get(name);
    this.#slices.delete(name);
    this.#count(before, undefined);
  }

  toArray(): Slice[] {
    return [...this.#slices.values()];
  }

  /**
   * Whether an address or a pod is there twice. Counted as slices change, because to find it out each time would cost
   * as much as all the rest.
   */
  get overlap(): boolean {
    return this.#addresses.repeats || this.#pods.IPv4.repeats || this.#pods.IPv6.repeats;
  }

  /** The name and the family of each port in the slices, once each. */
  get shape(): readonly string[] {
    return this.#shape.things;
  }

  #count(before: Slice | undefined, after: Slice | undefined): void {
    for (const part of before?.shape ?? []) this.#shape.count(part, -1);
    for (const part of after?.shape ?? []) this.#shape.count(part, 1);
    const length = Math.max(before?.endpoints.length ?? 0, after?.endpoints.length ?? 0);
    for (let i = 0; i < length; i++) {
      const [old, young] = [before?.endpoints[i], after?.endpoints[i]];
      // Most endpoints don't move.
      if (
        old?.address === young?.address &&
        old?.uid === young?.uid &&
        before?.addressType === after?.addressType
      ) {
        continue;
      }
      if (old !== undefined && before !== undefined) this.#countOne(before, old, -1);
      if (young !== undefined && after !== undefined) this.#countOne(after, young, 1);
    }
  }

  #countOne({ addressType }: Slice, { address, uid }: SliceEndpoint, change: 1 | -1): void {
    this.#addresses.count(address, change);
    if (uid !== undefined) this.#pods[addressType].count(uid, change);
  }
}

/** Counts things, and knows whether any is there more than once. */
class Tally {
  readonly #counts = new Map<string, number>();
  #repeated = 0;

  get repeats(): boolean {
    return this.#repeated > 0;
  }

  get things(): string[] {
    return [...this.#counts.keys()];
  }

  count(thing: string, change: 1 | -1): void {
    const before = this.#counts.get(thing) ?? 0;
    const after = before + change;
    if (after === 0) this.#counts.delete(thing);
    else this.#counts.set(thing, after);
    this.#repeated += Number(after > 1) - Number(before > 1);
  }
}
