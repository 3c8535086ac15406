import type { Demand } from '../base/demand.ts';
import type { Connection, Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Outcome } from '../health/outcome.ts';
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
 *
 * A call that needn't wait may come in the very turn of the event loop in which the response before it was read. A stock
 * client uses another connection then. evenkeel lets the call wait for one turn, until it knows that the endpoint keeps
 * its connections.
 *
 * The connections of an endpoint that is known to end them moments after a response take nothing for a moment after
 * each response (`core/connections/haste.ts`). If limits allow no others, they take requests as always.
 */
export class Reuse {
  #isKnown = false;
  readonly #capacity: Pool['capacity'];
  readonly #demand: Demand;

  constructor({ capacity }: Pick<Pool, 'capacity'>, demand: Demand) {
    this.#capacity = capacity;
    this.#demand = demand;
  }

  /** For how many milliseconds a call is delayed before it is written to a connection. */
  delayOf(call: Call, { multiplexed, requests, idling, endpoint }: Connection, hasWaited: boolean): number {
    if (multiplexed || requests === 1) return AT_ONCE;
    // The end of the connection may have come with its response, and is read in the next turn.
    if (!hasWaited) return endpoint.keepsConnections ? AT_ONCE : 0;
    if (isSafe(call)) return AT_ONCE;
    return this.#isKnown || idling.settled ? 0 : SETTLING;
  }

  /** An attempt has ended, and its connection is about to be free. */
  onEnded(connection: Connection, call: Call, outcome: Outcome): void {
    const { multiplexed, requests, endpoint } = connection;
    if (multiplexed) return;
    if (requests > 1) {
      const broken = outcome === 'failure' || outcome === 'timeout';
      this.#isKnown = !broken;
      endpoint.onReused(!broken);
      // What broke it may have come just after the last response.
      if (outcome === 'failure') endpoint.onIdleEnd(0, requests - 1);
    }
    const mayEnd = endpoint.idleLife?.haste.isKnown || (requests === 1 && this.#isAwaitedBy(call));
    if (mayEnd && !this.#capacity.isLimited) connection.settle(SETTLING);
  }

  /** Whether calls wait that must not be lost, and nobody knows whether connections outlive a response. */
  #isAwaitedBy(call: Call): boolean {
    // The calls that wait are probably like the one that has just ended.
    return !this.#isKnown && this.#demand.waiting > 0 && !isSafe(call);
  }
}

/** Whether a call that needn't wait may be delayed before it is written to a connection of this endpoint. */
export function mayDelay(endpoint: Pod): boolean {
  return !endpoint.keepsConnections && !endpoint.multiplexes;
}

/** Upgrades always wait for their turn, and then use an idle connection, as with a stock client. */
function isSafe({ repeatable, lasting }: Call): boolean {
  return repeatable || lasting;
}
