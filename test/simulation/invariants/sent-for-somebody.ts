import type { PlayedCall, PlayedWire } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Nothing is sent that nobody waits for any more, and nothing on a wire that is known to have ended, or has no room. */
export class SentForSomebody extends Invariant {
  readonly name = 'sent for somebody';

  override onSent(call: PlayedCall, wire: PlayedWire): void {
    if (call.settled > 0) this.violate(`call ${call.id} is sent though it is over`);
    if (wire.broken || wire.closed)
      this.violate(`call ${call.id} is sent on connection ${wire.id}, which has ended`);
    const most = wire.multiplexed ? (wire.opening ? 1 : wire.pod.plan.streams) : 1;
    const { size } = wire.carriedCalls;
    if (size > most) this.violate(`connection ${wire.id} carries ${size} calls, and has room for ${most}`);
  }
}
