import { afterIncoming, type Clock } from '../../core/base/clock.ts';

/** Connections up to this part of the age at which a server has ended one are taken to stay for a while. */
const YOUNG = 1 / 2;

/**
 * Holds picks back while a GOAWAY may lie unread. When a server ends a connection, it refuses what was sent after that, and
 * grpc-js picks again for those calls, once. Connections that were made at one time are often ended at one time, and the
 * GOAWAY of the next one may have come already, but not been read: a call that is sent there is refused again, and fails.
 * So calls wait until all that has come is read, and then prefer connections that are not as old as the one that was ended.
 */
export class Unread {
  isHolding = false;
  /** Connections made since then, on the clock, are preferred: for those calls only that were held back. */
  youngSince = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #onRead: () => void;

  /** `onRead`: what was held back may go. */
  constructor(clock: Clock, onRead: () => void) {
    this.#clock = clock;
    this.#onRead = onRead;
  }

  /** A server has ended a connection that carried calls, and was made then. */
  onEnded(bornAt: number): void {
    const now = this.#clock.now();
    this.youngSince = Math.max(this.youngSince, now - (now - bornAt) * YOUNG);
    if (this.isHolding) return;
    this.isHolding = true;
    afterIncoming(this.#clock, this.#end);
  }

  readonly #end = (): void => {
    this.isHolding = false;
    this.#onRead();
    this.youngSince = Number.NEGATIVE_INFINITY;
  };
}
