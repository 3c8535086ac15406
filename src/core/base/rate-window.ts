const PARTS = 4;

/** How much of a count came in the last moments, to a quarter of the window. Counting costs nothing. */
export class RateWindow {
  readonly #counted: () => number;
  /** The count at the beginning of each part of the window. */
  readonly #marks: number[];
  #oldest = 0;

  /** @param counted returns the count since the start */
  constructor(counted: () => number) {
    this.#counted = counted;
    this.#marks = new Array<number>(PARTS).fill(counted());
  }

  /** How much was counted since the last `advance`. */
  get latest(): number {
    return this.#counted() - this.#marks[(this.#oldest + PARTS - 1) % PARTS]!;
  }

  /** How many milliseconds there must be between two calls of `advance`, for a window of this length. */
  static step(length: number): number {
    return length / PARTS;
  }

  /** How much the window holds now. */
  get total(): number {
    return this.#counted() - this.#marks[this.#oldest]!;
  }

  /** Drops the oldest part. */
  advance(): void {
    this.#marks[this.#oldest] = this.#counted();
    this.#oldest = (this.#oldest + 1) % PARTS;
  }
}
