import { afterIncoming, type Clock, type Timer } from '../../core/base/clock.ts';

/** Connections up to this part of the age at which a server has ended one are taken to stay for a while. */
const YOUNG = 1 / 2;
/** Milliseconds that calls wait for such a connection at most, when some were refused. */
const PATIENCE = 10;
/** Milliseconds within which a second connection has to be ended for that: one alone may be that of a pod that leaves. */
const SERIES = 1_000;

interface Place {
  /** When the connection there was made, on the clock. */
  readonly bornAt: number;
}

/**
 * Holds picks back while a GOAWAY may lie unread. When a server ends a connection, it refuses what was sent after that, and
 * grpc-js picks again for those calls, once. Connections that were made at one time are often ended at one time, and the
 * GOAWAY of the next one may have come already, but not been read: a call that is sent there is refused again, and fails.
 *
 * Holding begins when a connection ends that carried calls. It ends when all that has come is read. If calls were refused, and
 * connections end one after the other, it ends when there is one that is not as old as the one that was ended, or after a moment.
 */
export class Unread {
  isHolding = false;
  /** Those that were refused are picked for: connections that will stay are preferred. */
  prefersYoung = false;
  #youngSince = Number.NEGATIVE_INFINITY;
  #hasRefused = false;
  /** The place of the last connection that was ended, when it was made, when it ended, and whether another one had a moment before. */
  #place: Place | undefined = undefined;
  #bornAt = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #isSeries = false;
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

  /** A server has ended the connection there, which carried calls. Each channel tells that had it. */
  onEnded(place: Place): void {
    const { bornAt } = place;
    if (place === this.#place && bornAt === this.#bornAt) return;
    const now = this.#clock.now();
    this.#isSeries = now - this.#endedAt < SERIES;
    this.#place = place;
    this.#bornAt = bornAt;
    this.#endedAt = now;
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
    if (!this.#hasRefused || !this.#isSeries || this.#hasYoung()) this.#release();
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
