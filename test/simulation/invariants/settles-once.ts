import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Each call settles exactly once: its caller is told how it ended, and is not told again. */
export class SettlesOnce extends Invariant {
  readonly name = 'settles once';

  override onSettled(call: PlayedCall): void {
    if (call.settled > 1) this.violate(`call ${call.id} settles ${call.settled} times`);
  }

  override onOver(): void {
    for (const { id, settled } of this.scene.live) {
      if (settled === 0) this.violate(`call ${id} never settles`);
    }
  }
}
