import { type Clock, queueMicrotask, type Timer } from '../../core/base/clock.ts';
import type { Dial, DialDone } from '../../core/connections/transport.ts';
import type { Wire } from '../../core/connections/wire.ts';

/** A session that may have calls wait. */
export interface ColdWire extends Wire {
  opening: boolean;
  /** Takes calls from now on, if it was opening; whoever waits is to be told once that holds of all. */
  begin(): void;
  /** Says that it has room. `wakes`: to those that wait as well. */
  tellRoom(wakes: boolean): void;
}

type Made = (error: Error | null, wire: ColdWire | undefined) => void;

/** Milliseconds that the first calls wait for further sessions once one is connected, so that not all go to that. */
const WAIT = 20;

/**
 * The first moments of a service that has no session yet. The one that comes first has room for all calls that wait, and would
 * have them all, whichever pod it leads to: so it takes calls only when those that are dialled beside it are there as well, or
 * a moment has passed.
 */
export class ColdStart {
  readonly #clock: Clock;
  readonly #dials = new Set<Dial>();
  readonly #open = new Set<ColdWire>();
  readonly #waiting: ColdWire[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Begins a dial whose session waits for others, if there are others to wait for.
   *
   * @param start begins it; it is told of the session that is made
   */
  dial(start: (made: Made) => Dial, done: DialDone): Dial {
    const dial = start((error, wire) => {
      this.#dials.delete(dial);
      if (wire !== undefined) this.#onConnected(wire);
      done(error, wire);
      this.#review();
    });
    this.#dials.add(dial);
    return {
      abandon: () => {
        dial.abandon();
        this.#dials.delete(dial);
        // Not in the midst of what the core does there.
        queueMicrotask(() => this.#review());
      },
      unref: () => dial.unref(),
      timeOut: () => dial.timeOut(),
      timeoutError: () => dial.timeoutError(),
    };
  }

  /** A session has ended. */
  onClosed(wire: ColdWire): void {
    this.#open.delete(wire);
    const index = this.#waiting.indexOf(wire);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #onConnected(wire: ColdWire): void {
    const waiting = this.#waiting.length;
    wire.opening = this.#open.size === waiting && this.#dials.size + waiting > 0;
    this.#open.add(wire);
    if (!wire.opening) return;
    this.#waiting.push(wire);
    this.#timer ??= this.#clock.schedule(() => this.#begin(), WAIT);
  }

  /** Has those that wait take calls, if nothing is waited for any more. */
  #review(): void {
    if (this.#dials.size === 0) this.#begin();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const wires = this.#waiting.splice(0).filter(({ broken }) => !broken);
    for (const wire of wires) wire.begin();
    // Each has its room before anybody is served.
    for (const wire of wires) wire.tellRoom(false);
    wires[0]?.tellRoom(true);
  }
}
