import { type Clock, queueMicrotask, type Timer } from '../../core/base/clock.ts';
import type { Dial, DialDone } from '../../core/connections/transport.ts';
import type { Wire } from '../../core/connections/wire.ts';

/** A session that may let calls wait. */
export interface ColdWire extends Wire {
  opening: boolean;
  /** Takes calls from now on, if it was opening. Waiting calls are told when all sessions have begun. */
  begin(): void;
  /** Reports that it has room. `wakes`: also to waiting calls. */
  tellRoom(wakes: boolean): void;
}

type Made = (error: Error | null, wire: ColdWire | undefined) => void;

/**
 * For how many milliseconds the first calls wait for more sessions after one is connected, so that not all go to that
 * one.
 */
const WAIT = 20;

/**
 * The first moments of a service without a session. The first session has room for all waiting calls, and would get all
 * of them. So it takes calls only when the other dials have ended too, or after a moment.
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
   * Begins a dial. If there are other dials, its session waits for them.
   *
   * @param start begins the dial, and gets the session that is made
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
        // In a microtask, so that the core has finished what it does.
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

  /** Lets the sessions take calls, if nothing more is waited for. */
  #review(): void {
    if (this.#dials.size === 0) this.#begin();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const wires = this.#waiting.splice(0).filter(({ broken }) => !broken);
    for (const wire of wires) wire.begin();
    // Each session has its room before any call is served.
    for (const wire of wires) wire.tellRoom(false);
    wires[0]?.tellRoom(true);
  }
}
