import { type Clock, inNextTurn } from './clock.ts';

/** If this process was busy for so many milliseconds since the last request, that may have been with something else. */
const BUSY = 5;
/** After so many milliseconds without a request, it may also have been stopped, or frozen with its container. */
const PAUSE = 100;

/**
 * Tells whether the event loop may not have looked at sockets for a while. While a process computes, it doesn't read
 * what arrives, such as the end of an idle connection. undici waits for the check phase of the loop before it writes to
 * a used connection. But if a request is sent from code that reads responses, that phase comes without a poll in
 * between. One more turn of the loop makes sure of a poll. While the loop waits for sockets, nothing arrives unread: a
 * short time of that doesn't count.
 */
export class LoopTurn {
  /** Whether what is sent now should wait for the next turn. */
  isStale = false;
  /** When the last request came, on the clock. */
  requestAt = Number.NEGATIVE_INFINITY;
  /** For how long this process had been busy then, on a clock that knows; else the same. */
  #busyAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a request has come. */
  note(now: number): void {
    const busy = now - (this.#clock.idle?.() ?? 0);
    const hasLookedAway = busy - this.#busyAt > BUSY || now - this.requestAt > PAUSE;
    if (hasLookedAway && !this.isStale) {
      this.isStale = true;
      inNextTurn(this.#clock, this.#end);
    }
    this.#busyAt = busy;
    this.requestAt = now;
  }

  readonly #end = (): void => {
    this.isStale = false;
  };
}
