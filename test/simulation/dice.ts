import { Draws } from './draws.ts';

/** What a scenario is drawn with. */
export class Dice {
  readonly #draws: Draws;

  constructor(seed: number) {
    this.#draws = new Draws().about(seed, 0x5eed, 0xd1ce);
  }

  chance(share: number): boolean {
    return this.#draws.next() < share;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return this.#draws.below(end);
  }

  /** A whole number, both ends included. */
  from(least: number, most: number): number {
    return least + this.#draws.below(most - least + 1);
  }

  one<T>(values: readonly T[]): T {
    return values[this.#draws.below(values.length)]!;
  }

  /** Each of them with that chance. */
  some<T>(values: readonly T[], share: number): T[] {
    return values.filter(() => this.chance(share));
  }
}
