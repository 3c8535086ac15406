import { type Clock, inNextTurn } from './clock.ts';

/** Milliseconds without a request after which this process may have been busy with something else. */
const PAUSE = 5;

/**
 * Tells whether the event loop may not have looked at sockets for a while: the process computed, and what has
 * arrived meanwhile, such as the end of an idle connection, is unread. undici waits for the check phase of the
 * loop before it writes to a connection that was used before. That comes without a poll in between when a
 * request is sent from where responses are read; one turn more makes sure of it.
 */
export class LoopTurn {
  /** What is sent now should wait for the next turn. */
  isStale = false;
  /** When the last request came. */
  requestAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Learns of a request. */
  note(now: number): void {
    if (now - this.requestAt > PAUSE && !this.isStale) {
      this.isStale = true;
      inNextTurn(this.#clock, this.#end);
    }
    this.requestAt = now;
  }

  readonly #end = (): void => {
    this.isStale = false;
  };
}
