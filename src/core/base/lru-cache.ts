interface Entry<V> {
  readonly key: string;
  value: V;
  /** The one that was used next before this one, and the one after it. */
  older: Entry<V> | undefined;
  newer: Entry<V> | undefined;
}

/** Remembers so many values by their keys. One more, and the one that wasn't used for the longest time goes. */
export class LruCache<V> {
  readonly #max: number;
  readonly #onGone: ((value: V) => void) | undefined;
  readonly #entries = new Map<string, Entry<V>>();
  #oldest: Entry<V> | undefined;
  #newest: Entry<V> | undefined;

  /** @param onGone told of each value that leaves: for another key, taken out, or replaced */
  constructor(max: number, onGone?: (value: V) => void) {
    this.#max = max;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#use(entry);
    return entry.value;
  }

  /** Counts as no use. */
  peek(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: string, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      const before = known.value;
      known.value = value;
      this.#use(known);
      if (before !== value) this.#onGone?.(before);
      return;
    }
    if (this.#entries.size >= this.#max) this.delete(this.#oldest!.key);
    const entry: Entry<V> = { key, value, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#unlink(entry);
    this.#onGone?.(entry.value);
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key);
  }

  /** In the order in which they came. What is taken out meanwhile, this leaves out. */
  *entries(): Generator<[string, V]> {
    for (const [key, { value }] of this.#entries) yield [key, value];
  }

  *values(): Generator<V> {
    for (const { value } of this.#entries.values()) yield value;
  }

  #use(entry: Entry<V>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  #append(entry: Entry<V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry<V>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
