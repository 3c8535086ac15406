const PARTS = 4;

/** How much of what somebody counts came in the last while, to a quarter of it. Costs nothing when it is counted. */
export class RateWindow {
  readonly #counted: () => number;
  /** What had been counted when each part of the window began. */
  readonly #marks: number[];
  #oldest = 0;

  /** @param counted all there ever was */
  constructor(counted: () => number) {
    this.#counted = counted;
    this.#marks = new Array<number>(PARTS).fill(counted());
  }

  /** What was counted since the last `advance`. */
  get latest(): number {
    return this.#counted() - this.#marks[(this.#oldest + PARTS - 1) % PARTS]!;
  }

  /** Milliseconds between two calls of `advance` for a window of that length. */
  static step(length: number): number {
    return length / PARTS;
  }

  /** What the window holds now. */
  get total(): number {
    return this.#counted() - this.#marks[this.#oldest]!;
  }

  /** Lets the oldest part go. */
  advance(): void {
    this.#marks[this.#oldest] = this.#counted();
    this.#oldest = (this.#oldest + 1) % PARTS;
  }
}
