import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** A connection that had been idle may end twice just as a call is sent. */
const MOST_CROSSED = 2;

/**
 * What may not be repeated is done once: it is never sent again but when its peer has said that it has not looked at it.
 * What may be is sent again once at most for which nobody can know whether it was done, but for connections that had been idle
 * and ended just as it was sent.
 */
export class NeverTwice extends Invariant {
  readonly name = 'never twice';

  override onSent(call: PlayedCall): void {
    const most = this.#mostOf(call);
    const unknown = call.sent - call.unlooked;
    if (unknown > most) this.violate(`call ${call.id} is sent ${unknown} times, and ${most} may be done`);
  }

  override onExecuted(call: PlayedCall): void {
    if (call.executed > this.#mostOf(call)) this.violate(`call ${call.id} is done ${call.executed} times`);
  }

  #mostOf({ repeatable, upgrades, crossed }: PlayedCall): number {
    return repeatable && !upgrades ? 2 + Math.min(crossed, MOST_CROSSED) : 1;
  }
}
