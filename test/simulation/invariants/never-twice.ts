import type { SimulatedCall } from '../call.ts';
import { Invariant } from './invariant.ts';

/**
 * What may not be repeated is done once: it is never sent again but when its peer has said that it has not looked at it.
 * What may be is sent again once at most for which nobody can know whether it was done.
 */
export class NeverTwice extends Invariant {
  readonly name = 'never twice';

  override onSent(call: SimulatedCall): void {
    const most = call.repeatable && !call.upgrades ? 2 : 1;
    const unknown = call.sent - call.unlooked;
    if (unknown > most) this.violate(`call ${call.id} is sent ${unknown} times, and ${most} may be done`);
  }

  override onExecuted(call: SimulatedCall): void {
    const most = call.repeatable && !call.upgrades ? 2 : 1;
    if (call.executed > most) this.violate(`call ${call.id} is done ${call.executed} times`);
  }
}
