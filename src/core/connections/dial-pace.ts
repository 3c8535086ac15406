import { afterIncoming, type Clock, type Timer } from '../base/clock.ts';

/** Dials for each endpoint, and in all, that may begin at once. */
const FIRST_FOR_EACH = 4;
const FIRST = 16;
/** Milliseconds after which more may. */
const ROUND = 4;
/**
 * Rounds in which those that wait may well be served by what becomes free, so that no more is dialled for them; more
 * where this process is busy, for then it is not connections that are short.
 */
const PATIENCE = 20;
const PATIENCE_BUSY = 50;

/**
 * How many dials may begin for the requests that wait: few at first, and twice as many in each round. Whoever waits
 * takes what becomes free first, so that requests that are short need few connections, and those that are long lose
 * some milliseconds.
 *
 * A round takes the same time however long handshakes do, so that slow ones don't follow one another. Where this
 * process is busy, which a thousand handshakes may be the reason for, more begin only as others have ended.
 */
export class DialPace {
  readonly #clock: Clock;
  readonly #onRound: () => void;
  /** How many more may begin in this round. */
  #left = 0;
  /** How many were to begin in this round: 0 while nobody waits. */
  #granted = 0;
  /** Dials that have ended in this round. */
  #ended = 0;
  /** Requests for which more might have been dialled: those that take any endpoint, and those that are bound to one. */
  #deferred = 0;
  #deferredBound = 0;
  /** How many those were when this round began. */
  #before = 0;
  #timer: Timer | undefined;

  /** `onRound` is called when more may begin. */
  constructor(clock: Clock, onRound: () => void) {
    this.#clock = clock;
    this.#onRound = onRound;
  }

  /** Whether somebody waits for dials. */
  get active(): boolean {
    return this.#granted > 0;
  }

  /** How many requests wait for dials that are not to begin yet. */
  get deferred(): number {
    return this.#deferred + this.#deferredBound;
  }

  /** Whether one more may begin now, where there are so many endpoints. */
  allows(endpoints: number): boolean {
    if (this.#granted === 0) {
      this.#granted = Math.max(FIRST, FIRST_FOR_EACH * endpoints);
      this.#left = this.#granted;
    }
    return this.#left > 0;
  }

  /** One begins. */
  begin(): void {
    this.#left--;
  }

  /** So many requests wait for dials that may begin later: from the next round on. */
  defer(requests: number): void {
    this.#deferred = requests;
    this.#awaitRound();
  }

  /** The same of those that are bound to endpoints. */
  deferBound(requests: number): void {
    this.#deferredBound = requests;
    this.#awaitRound();
  }

  #awaitRound(): void {
    if (this.deferred > 0 && this.#timer === undefined) this.#startRound();
  }

  /** One has ended, well or not. */
  onEnded(connected: boolean): void {
    this.#ended++;
    // The request for which it was made has nothing, and does not wait for others to end.
    if (!connected) this.#left++;
  }

  /**
   * An endpoint, of so many, has answered with an error. One that errs at once is free before all others are, and those
   * that wait would all have its errors: for each, the others may be dialled once, so that it has its share.
   */
  onError(endpoints: number): void {
    if (this.#granted > 0) this.#left += endpoints - 1;
  }

  /** Nobody waits any more. */
  rest(): void {
    if (this.#granted === 0) return;
    this.#granted = 0;
    this.#deferred = 0;
    this.#deferredBound = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #startRound(): void {
    this.#ended = 0;
    this.#before = this.deferred;
    const due = this.#clock.now() + ROUND;
    const timer = this.#clock.schedule(() => {
      const busy = this.#clock.now() - due > ROUND;
      afterIncoming(this.#clock, () => {
        if (timer === this.#timer) this.#endRound(busy);
      });
    }, ROUND);
    this.#timer = timer;
  }

  #endRound(busy: boolean): void {
    this.#timer = undefined;
    // Served by what has become free, beyond those that have come meanwhile: where as many come, more is needed.
    const drained = Math.max(this.#before - this.deferred, 0);
    if (this.deferred <= drained * (busy ? PATIENCE_BUSY : PATIENCE)) {
      this.#awaitRound();
      return;
    }
    // Where some are answered by now, more will be soon.
    const growth = drained > 0 ? 1 : 2;
    this.#granted = busy ? Math.max(growth * this.#ended, FIRST_FOR_EACH) : growth * this.#granted;
    this.#left = Math.max(this.#left, this.#granted);
    this.#onRound();
  }
}
