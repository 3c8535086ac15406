import type { Demand } from '../base/demand.ts';
import type { Connection } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Call } from './call.ts';

/** Milliseconds after a response within which servers end connections that they don't keep, without having said so. */
const SETTLING = 10;

/** It is written in this turn of the event loop. */
export const AT_ONCE = -1;

/**
 * Whether connections outlive the responses on them. A call that has waited would have had a new one from a stock client,
 * and may find one that has just come free first. Where that is ended now, what can't be sent twice is lost. So as long as
 * none of the service was ever used twice, connections take nothing for a moment after their first response, while others
 * are made for those that wait. Where limits allow no others, calls are held up instead.
 */
export class Reuse {
  #isKnown = false;
  readonly #capacity: Pool['capacity'];
  readonly #demand: Demand;

  constructor({ capacity }: Pick<Pool, 'capacity'>, demand: Demand) {
    this.#capacity = capacity;
    this.#demand = demand;
  }

  /** Milliseconds for which a call that has waited is held up before it is written to a connection. */
  delayOf(call: Call, { multiplexed, requests, idling }: Connection): number {
    if (multiplexed || requests === 1 || isSafe(call)) return AT_ONCE;
    return this.#isKnown || idling.settled ? 0 : SETTLING;
  }

  /** An attempt has ended, and its connection is about to be free. */
  onEnded(connection: Connection, call: Call, broken: boolean): void {
    const { multiplexed, requests } = connection;
    if (multiplexed) return;
    if (requests > 1) this.#isKnown = !broken;
    // Who waits is most likely like the one that has ended.
    else if (!this.#isKnown && this.#demand.waiting > 0 && !isSafe(call) && !this.#capacity.isLimited) {
      connection.settle(SETTLING);
    }
  }
}

/** Upgrades wait for their turn in any case, and are about to have what idles, as with stock. */
function isSafe({ repeatable, lasting }: Call): boolean {
  return repeatable || lasting;
}
