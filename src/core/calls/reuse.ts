import type { Connection } from '../connections/connection.ts';
import type { Call } from './call.ts';

/** Milliseconds after a response within which servers end connections that they don't keep, without having said so. */
const SETTLING = 10;

/** It is written in this turn of the event loop. */
export const AT_ONCE = -1;

/**
 * Whether connections outlive the responses on them. A call that has waited would have had a new one from a stock client,
 * and may find one that has just come free first. Where that is ended now, what can't be sent twice is lost: so it is held
 * up until the connection has stood for a moment, as long as none of the service was ever used twice.
 */
export class Reuse {
  #isKnown = false;

  /** Milliseconds for which a call that has waited is held up before it is written to a connection. */
  delayOf(call: Call, { multiplexed, requests }: Connection): number {
    // Upgrades wait for their turn in any case, and are about to have what idles, as with stock.
    const isSafe = call.repeatable || call.lasting;
    if (multiplexed || requests === 1 || isSafe) return AT_ONCE;
    return this.#isKnown ? 0 : SETTLING;
  }

  /** An attempt has ended. */
  onEnded({ multiplexed, requests }: Connection, broken: boolean): void {
    if (!multiplexed && requests > 1) this.#isKnown = !broken;
  }
}
