import type { Clock, Timer } from '../../core/base/clock.ts';
import type { SessionWire } from './session-wire.ts';

/** Milliseconds that the first calls wait for further sessions once one is connected, so that not all go to that. */
const WAIT = 20;

/**
 * The first moments of a service that has no session yet. The one that comes first has room for all calls that wait, and would
 * have them all, whichever pod it leads to: so it takes calls only when those that are dialled beside it are there as well, or
 * a moment has passed.
 */
export class ColdStart {
  readonly #clock: Clock;
  readonly #dials = new Set<object>();
  readonly #open = new Set<SessionWire>();
  readonly #waiting: SessionWire[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onDial(dial: object): void {
    this.#dials.add(dial);
  }

  /** One has ended, in whatever way. */
  onEnded(dial: object): void {
    this.#dials.delete(dial);
  }

  /** Whether a session that is connected now waits for others, or with others. */
  get waits(): boolean {
    const waiting = this.#waiting.length;
    return this.#open.size === waiting && this.#dials.size + waiting > 0;
  }

  onConnected(wire: SessionWire): void {
    this.#open.add(wire);
    if (!wire.opening) return;
    this.#waiting.push(wire);
    this.#timer ??= this.#clock.schedule(() => this.#begin(), WAIT);
  }

  onClosed(wire: SessionWire): void {
    this.#open.delete(wire);
    const index = this.#waiting.indexOf(wire);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Has those that wait take calls, if nothing is waited for any more. */
  review(): void {
    if (this.#dials.size === 0) this.#begin();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const wires = this.#waiting.splice(0);
    for (const wire of wires) wire.begin();
    // Each has its room before anybody is served.
    for (const wire of wires) wire.tellRoom(false);
    wires[0]?.tellRoom(true);
  }
}
