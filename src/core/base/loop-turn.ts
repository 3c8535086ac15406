import { type Clock, inNextTurn } from './clock.ts';

/** After so many milliseconds without a request, this process may have been busy with something else. */
const PAUSE = 5;

/**
 * Tells whether the event loop may not have looked at sockets for a while. While a process computes, it doesn't read
 * what arrives, such as the end of an idle connection. undici waits for the check phase of the loop before it writes to
 * a used connection. But if a request is sent from code that reads responses, that phase comes without a poll in
 * between. One more turn of the loop makes sure of a poll.
 */
export class LoopTurn {
  /** Whether what is sent now should wait for the next turn. */
  isStale = false;
  /** When the last request came, on the clock. */
  requestAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a request has come. */
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
