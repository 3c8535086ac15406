import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Milliseconds for which what is not spent of the budget is kept. */
const KEPT = 10_000;

/**
 * Calls that may have been done are sent again as often as the budget has it: a share of the calls, and some each second. None
 * is sent more often than its attempts, what peers have not looked at aside, and
 * what was sent on connections that were idle and ended at the same time.
 */
export class RetryBudget extends Invariant {
  readonly name = 'retry budget';
  #retries = 0;

  override onSent(call: PlayedCall): void {
    const { retry } = this.scene.settings;
    const resent = call.sent - 1 - call.givenBack - call.crossed;
    // What a peer has not looked at is sent again once in any case.
    if (retry !== false && resent > retry.attempts + 1) {
      this.violate(`call ${call.id} is sent again ${resent} times, and ${retry.attempts} are allowed`);
    }
    const again = call.sent - call.unlooked - call.crossed - 1;
    if (again <= call.retried) return;
    call.retried = again;
    if (retry === false) {
      this.violate(`call ${call.id} is sent again, and nothing is to be`);
      return;
    }
    if (again > retry.attempts) this.violate(`call ${call.id} is sent again ${again} times`);
    this.#retries++;
    const seconds = (this.scene.world.time.now() + KEPT) / 1_000;
    const most = retry.budget * this.scene.calls + retry.minRetriesPerSecond * seconds + 1;
    if (this.#retries > most) this.violate(`${this.#retries} calls were sent again, and ${most} may be`);
  }
}
