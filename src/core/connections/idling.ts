import type { Clock, Timer } from '../base/clock.ts';
import type { IdleLife } from './idle-life.ts';

/** A connection between its requests, or before its first one. */
export class Idling {
  /** It takes nothing, for its peer may end it now. */
  settling = false;
  /** It has outlived that. */
  settled = false;
  /** Since when it idles, where that is counted. */
  #since: number | undefined = undefined;
  #timer: Timer | undefined = undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It is free. The clock costs as much as all the rest, so that it is read only where ends are looked at. */
  begin(life: IdleLife | undefined): void {
    if (life !== undefined) this.#since = this.#clock.now();
  }

  /** Milliseconds for which it has idled, if that is counted. */
  get duration(): number | undefined {
    return this.#since === undefined ? undefined : this.#clock.now() - this.#since;
  }

  /** Whether its peer may be about to end it, and to cross the request that comes now. */
  isNearEnd(now: number, life: IdleLife | undefined): boolean {
    return this.#since !== undefined && life?.isNearEnd(now - this.#since) === true;
  }

  /** It waits for a first request, and calls back if it has waited for too long. */
  wait(milliseconds: number, onOver: () => void): void {
    this.#timer = this.#clock.schedule(onOver, milliseconds);
  }

  /** It takes nothing for a moment, in which its peer may end it. */
  settle(milliseconds: number, onSettled: () => void): void {
    this.settling = true;
    this.stop();
    this.#timer = this.#clock.schedule(() => {
      this.settling = false;
      this.settled = true;
      onSettled();
    }, milliseconds);
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
