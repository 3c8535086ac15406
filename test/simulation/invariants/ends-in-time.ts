import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Microseconds from the last thing that `close()` waits for to its end: a dial or two may have to be told. */
const SOON = 1_000_000;

/** `close()` ends, and with the last call and socket: it waits for nothing else. */
export class EndsInTime extends Invariant {
  readonly name = 'close ends';
  #lastAt = 0;

  override onSettled(_call: PlayedCall): void {
    this.#lastAt = this.scene.world.time.micros;
  }

  override onOver(): void {
    const { endedAt, closingAt, world } = this.scene;
    if (endedAt < 0) {
      this.violate(`it has not ended ${(world.time.micros - closingAt) / 1_000} ms after it was told to`);
      return;
    }
    // What lasts ends by itself, and connections with it.
    if (this.scene.scenario.loads.some(({ lasting }) => lasting > 0)) return;
    const late = endedAt - Math.max(closingAt, this.#lastAt);
    if (late > SOON) this.violate(`it has ended ${late / 1_000} ms after its last call`);
  }
}
