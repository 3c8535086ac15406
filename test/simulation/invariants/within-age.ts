import type { PlayedCall, PlayedWire } from '../played.ts';
import { Invariant } from './invariant.ts';

/** No call goes to a connection past its age, if one was asked for, or past the number of calls that it may have. */
export class WithinAge extends Invariant {
  readonly name = 'within age';

  override onGiven(call: PlayedCall, wire: PlayedWire): void {
    const { maxConnectionDuration, maxRequestsPerConnection } = this.scene.settings;
    const age = (this.scene.world.time.micros - wire.bornAt) / 1_000;
    if (maxConnectionDuration !== undefined && maxConnectionDuration > 0 && age > maxConnectionDuration) {
      this.violate(`call ${call.id} goes to connection ${wire.id}, which is ${age} ms old`);
    }
    const count = wire.sent + 1;
    if (maxRequestsPerConnection > 0 && count > maxRequestsPerConnection) {
      this.violate(`call ${call.id} is the ${count}th of connection ${wire.id}`);
    }
  }
}
