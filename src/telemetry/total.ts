/**
 * The sum of counts that several sources keep. Sources come and go. The counts of sources that have gone stay in the
 * sum, because a counter must not fall.
 */
export class Total<Source> {
  #sum = 0;
  /** The count of each source at the last reading. */
  #counts = new Map<Source, number>();

  /** A source ends, with its last count. */
  end(source: Source, count: number): void {
    this.#sum += Math.max(0, count - (this.#counts.get(source) ?? 0));
    this.#counts.delete(source);
  }

  /** The sum. @param sources the present sources */
  read(sources: Iterable<Source>, countOf: (source: Source) => number): number {
    const before = this.#counts;
    this.#counts = new Map();
    for (const [source, count] of before) this.#sum += Math.max(0, countOf(source) - count);
    for (const source of sources) {
      const count = countOf(source);
      if (!before.has(source)) this.#sum += count;
      this.#counts.set(source, count);
    }
    return this.#sum;
  }
}
