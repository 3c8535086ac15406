import { type Clock, inNextTurn, type Timer } from '../base/clock.ts';
import type { IdleLife, Repeatable } from './idle-life.ts';
import { isLeftOver, LOOK_INTERVAL, type Unused } from './left-over.ts';

/** The state of a connection between its requests, and before its first one. */
export class Idling {
  /** It has survived the time in which its peer may have been about to end it. */
  settled = false;
  /** When it became idle, if that is measured. */
  #since: number | undefined = undefined;
  #timer: Timer | undefined = undefined;
  /** Ends its rest, if it rests. */
  #wake: (() => void) | undefined = undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It is free. */
  begin(): void {
    this.#since = this.#clock.now();
  }

  /** From now on it isn't measured. */
  forget(): void {
    this.#since = undefined;
  }

  /** For how many milliseconds it has been idle, if that is measured. */
  get duration(): number | undefined {
    return this.#since === undefined ? undefined : this.#clock.now() - this.#since;
  }

  /** Whether its peer may be about to end it, just as a request comes. */
  isNearEnd(now: number, life: IdleLife, request: Repeatable | undefined): boolean {
    return this.#since !== undefined && life.isNearEnd(now - this.#since, request);
  }

  /** Waits for a first request, and calls back after `milliseconds`; sooner if the connection is left over. */
  wait(milliseconds: number, connection: Unused, onOver: () => void): void {
    const { ends } = connection.endpoint;
    const overAt = this.#clock.now() + milliseconds;
    const look = () => {
      if (!connection.parked) return;
      const left = overAt - this.#clock.now();
      if (left <= 0 || isLeftOver(connection, ends)) onOver();
      else this.#timer = this.#clock.schedule(look, Math.min(left, LOOK_INTERVAL));
    };
    this.#timer = this.#clock.schedule(look, Math.min(milliseconds, LOOK_INTERVAL));
  }

  /** Takes nothing for a moment, because its peer may be ending it. */
  settle(milliseconds: number, onSettled: () => void): void {
    this.stop();
    this.#timer = this.#clock.schedule(() => {
      this.#wake = undefined;
      this.settled = true;
      onSettled();
    }, milliseconds);
  }

  /** The same, and calls back when all has been read that came in this time. */
  pause(milliseconds: number, onOver: () => void): void {
    this.settle(milliseconds, () =>
      inNextTurn(this.#clock, () => {
        if (this.#timer !== undefined) onOver();
      }),
    );
  }

  /** The same until its peer has ended it, or shown that it won't. */
  rest(now: number, life: IdleLife, onOver: () => void): void {
    this.settle(life.untilOutlived(now - this.#since!), onOver);
    this.#wake = onOver;
  }

  /** No other one can be made, and so it rests no more. */
  wake(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.stop();
    wake();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wake = undefined;
  }
}
