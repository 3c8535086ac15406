import type { Demand } from '../base/demand.ts';
import type { Connection } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Call } from './call.ts';

/**
 * A server that doesn't keep a connection, and hasn't said so, ends it within this many milliseconds after the
 * response.
 */
const SETTLING = 10;

/** The call is written in this turn of the event loop. */
export const AT_ONCE = -1;

/**
 * Learns whether the connections of a service outlive a response. A stock client makes a new connection for a call that
 * waits; evenkeel may give the call a connection that has just become free. If the server is ending that connection, a
 * call that can't be sent twice is lost. So until some connection was used twice, a connection takes nothing for a
 * moment after its first response, and others are made for the waiting calls. If limits allow no others, evenkeel
 * delays the call instead.
 */
export class Reuse {
  #isKnown = false;
  readonly #capacity: Pool['capacity'];
  readonly #demand: Demand;

  constructor({ capacity }: Pick<Pool, 'capacity'>, demand: Demand) {
    this.#capacity = capacity;
    this.#demand = demand;
  }

  /** For how many milliseconds a call that has waited is delayed before it is written to a connection. */
  delayOf(call: Call, { multiplexed, requests, idling }: Connection): number {
    if (multiplexed || requests === 1 || isSafe(call)) return AT_ONCE;
    return this.#isKnown || idling.settled ? 0 : SETTLING;
  }

  /** An attempt has ended, and its connection is about to be free. */
  onEnded(connection: Connection, call: Call, broken: boolean): void {
    const { multiplexed, requests } = connection;
    if (multiplexed) return;
    if (requests > 1) this.#isKnown = !broken;
    // The calls that wait are probably like the one that has just ended.
    else if (!this.#isKnown && this.#demand.waiting > 0 && !isSafe(call) && !this.#capacity.isLimited) {
      connection.settle(SETTLING);
    }
  }
}

/** Upgrades always wait for their turn, and then use an idle connection, as with a stock client. */
function isSafe({ repeatable, lasting }: Call): boolean {
  return repeatable || lasting;
}
