import type { Clock, Timer } from '../../core/base/clock.ts';

/**
 * For how many milliseconds the first calls of a channel wait for more endpoints after one is connected: at least, and
 * at most. In between: twice as long as that connection took.
 */
const SHORTEST = 5;
const LONGEST = 15;

/**
 * The first moments of a channel without a connection. The first endpoint that is connected would get all waiting
 * calls. So they wait a moment longer, until other endpoints are connected too.
 */
export class ColdStart {
  /** How many milliseconds the last successful dial took. */
  dialTook = 0;
  readonly #onOver: () => void;
  #isOver = false;
  #timer: Timer | undefined;

  /** @param onOver called when the wait is over */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Whether calls need not wait any more. If they do, the wait begins now, unless it has begun. */
  isOver(clock: Clock): boolean {
    if (this.#isOver) return true;
    const wait = Math.min(LONGEST, Math.max(SHORTEST, 2 * this.dialTook));
    this.#timer ??= clock.schedule(() => {
      this.#timer = undefined;
      this.#isOver = true;
      this.#onOver();
    }, wait);
    return false;
  }

  /** No endpoint takes calls at present. The next calls will wait again. */
  begin(): void {
    this.#isOver = false;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
