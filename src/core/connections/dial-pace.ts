import { afterIncoming, type Clock, type Timer } from '../base/clock.ts';

/** How many dials may begin at once: for each endpoint, and at least in all. */
const FIRST_FOR_EACH = 4;
const FIRST = 16;
/** How many milliseconds a round takes. */
const ROUND = 4;
/**
 * If connections that become free will probably serve the waiting requests within this many rounds, no more dials
 * begin. More rounds if this process is busy, because then it isn't connections that are missing.
 */
const PATIENCE = 20;
const PATIENCE_BUSY = 50;

/**
 * Decides how many dials may begin for waiting requests: few at first, and twice as many in each round. A waiting
 * request takes the connection that becomes free first. So short requests need few connections, and long requests lose
 * some milliseconds.
 *
 * A round takes equally long, however long handshakes take, so that slow handshakes don't come one after another. If
 * this process is busy, perhaps with a thousand handshakes, new dials begin only when others have ended.
 */
export class DialPace {
  readonly #clock: Clock;
  readonly #onRound: () => void;
  /** How many more dials may begin in this round. */
  #left = 0;
  /** How many dials could begin in this round, from its start; 0 while no request waits. */
  #granted = 0;
  /** How many dials have ended in this round. */
  #ended = 0;
  /** How many requests wait for a later round: those that take any endpoint, and those with a key. */
  #deferred = 0;
  #deferredBound = 0;
  /** How many requests were deferred when this round began. */
  #before = 0;
  #timer: Timer | undefined;

  /** @param onRound is called when more dials may begin */
  constructor(clock: Clock, onRound: () => void) {
    this.#clock = clock;
    this.#onRound = onRound;
  }

  /** Whether requests wait for dials. */
  get active(): boolean {
    return this.#granted > 0;
  }

  /** How many requests wait for dials that may begin later. */
  get deferred(): number {
    return this.#deferred + this.#deferredBound;
  }

  /** Whether one more dial may begin now, if there are `endpoints` endpoints. */
  allows(endpoints: number): boolean {
    if (this.#granted === 0) {
      this.#granted = Math.max(FIRST, FIRST_FOR_EACH * endpoints);
      this.#left = this.#granted;
    }
    return this.#left > 0;
  }

  /** A dial begins. */
  begin(): void {
    this.#left--;
  }

  /** This many requests wait for dials that begin in a later round. */
  defer(requests: number): void {
    this.#deferred = requests;
    this.#awaitRound();
  }

  /** The same for requests with a key. */
  deferBound(requests: number): void {
    this.#deferredBound = requests;
    this.#awaitRound();
  }

  #awaitRound(): void {
    if (this.deferred > 0 && this.#timer === undefined) this.#startRound();
  }

  /** A dial has ended: `connected`, or failed. */
  onEnded(connected: boolean): void {
    this.#ended++;
    // The request for this dial has nothing yet. It doesn't wait for the end of other dials.
    if (!connected) this.#left++;
  }

  /**
   * An endpoint has answered with an error, of `endpoints` endpoints. If it fails at once, it is free before the
   * others, and all waiting requests would fail there. So for each error, each other endpoint may be dialled once,
   * which keeps the shares even.
   */
  onError(endpoints: number): void {
    if (this.#granted > 0) this.#left += endpoints - 1;
  }

  /** No request waits any more. */
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
    // How many requests were served by connections that became free, minus those that came meanwhile. If as many come
    // as are served, more dials are needed.
    const drained = Math.max(this.#before - this.deferred, 0);
    if (this.deferred <= drained * (busy ? PATIENCE_BUSY : PATIENCE)) {
      this.#awaitRound();
      return;
    }
    // If some requests were served meanwhile, more will be soon.
    const growth = drained > 0 ? 1 : 2;
    this.#granted = busy ? Math.max(growth * this.#ended, FIRST_FOR_EACH) : growth * this.#granted;
    this.#left = Math.max(this.#left, this.#granted);
    this.#onRound();
  }
}
