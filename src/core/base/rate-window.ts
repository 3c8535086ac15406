const SLOTS = 4;

/** Counts what happened in the last while, to a quarter of it. */
export class RateWindow {
  readonly #slots = new Array<number>(SLOTS).fill(0);
  #current = 0;
  /** What the window holds now. */
  total = 0;

  /** What was counted since the last `advance`. */
  get latest(): number {
    return this.#slots[this.#current]!;
  }

  /** Milliseconds between two calls of `advance` for a window of that length. */
  static step(length: number): number {
    return length / SLOTS;
  }

  count(): void {
    this.#slots[this.#current]!++;
    this.total++;
  }

  /** Lets the oldest slot go. */
  advance(): void {
    this.#current = (this.#current + 1) % SLOTS;
    this.total -= this.#slots[this.#current]!;
    this.#slots[this.#current] = 0;
  }
}
