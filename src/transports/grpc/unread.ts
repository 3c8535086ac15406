import { afterIncoming, type Clock, type Timer } from '../../core/base/clock.ts';

/** Connections up to this part of the age at which a server has ended one are taken to stay for a while. */
const YOUNG = 1 / 2;
/** Milliseconds that refused calls wait for such a connection at most. */
const PATIENCE = 10;

/**
 * Holds picks back while a GOAWAY may lie unread. When a server ends a connection, it refuses what was sent after that, and
 * grpc-js picks again for those calls, once. Connections that were made at one time are often ended at one time, and the
 * GOAWAY of the next one may have come already, but not been read: a call that is sent there is refused again, and fails.
 *
 * Holding begins when a connection ends that carried calls. It ends when all that has come is read, if no call was refused;
 * else when there is a connection that is not as old as the one that was ended, or after a moment.
 */
export class Unread {
  isHolding = false;
  /** Those that were refused are picked for: connections that will stay are preferred. */
  prefersYoung = false;
  #youngSince = Number.NEGATIVE_INFINITY;
  #hasRefused = false;
  #patience: Timer | undefined = undefined;
  readonly #clock: Clock;
  readonly #hasYoung: () => boolean;
  readonly #onRead: () => void;

  /** `hasYoung`: whether a connection is there that is young. `onRead`: what was held back may go. */
  constructor(clock: Clock, hasYoung: () => boolean, onRead: () => void) {
    this.#clock = clock;
    this.#hasYoung = hasYoung;
    this.#onRead = onRead;
  }

  /** Whether a connection that was made then is one that will stay. */
  isYoung(bornAt: number): boolean {
    return bornAt >= this.#youngSince;
  }

  /** A server has ended a connection that carried calls, and was made then. */
  onEnded(bornAt: number): void {
    const now = this.#clock.now();
    this.#youngSince = Math.max(this.#youngSince, now - (now - bornAt) * YOUNG);
    if (this.isHolding) return;
    this.isHolding = true;
    afterIncoming(this.#clock, this.#onIncoming);
  }

  /** A call was refused by the end of its connection. */
  onRefused(): void {
    this.#hasRefused = this.isHolding;
  }

  onConnected(): void {
    if (this.#patience !== undefined) this.#release();
  }

  readonly #onIncoming = (): void => {
    if (!this.#hasRefused || this.#hasYoung()) this.#release();
    else this.#patience = this.#clock.schedule(this.#release, PATIENCE);
  };

  readonly #release = (): void => {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.isHolding = false;
    this.prefersYoung = this.#hasRefused;
    this.#onRead();
    this.prefersYoung = false;
    this.#hasRefused = false;
    this.#youngSince = Number.NEGATIVE_INFINITY;
  };
}
