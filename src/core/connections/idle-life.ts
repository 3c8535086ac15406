import { Haste } from './haste.ts';

/** In milliseconds. A server that ends connections sooner keeps none of them: `haste.ts` finds that. */
const LEAST = 10;
/** How many ends are remembered, and how many are enough to know the time. */
const REMEMBERED = 4;
const ENOUGH = 2;
/**
 * How long before the known time a request might cross the end: a part of the time, at least so many milliseconds, and
 * at most half of a short time. If a request may be sent twice, the milliseconds are enough: a connection that serves it is
 * better than a new one.
 */
const MARGIN = 0.25;
const LEAST_MARGIN = 20;
const MOST_MARGIN = 0.5;
/**
 * If connections live this many times longer than the known time, and so often, another reason has ended the earlier
 * ones.
 */
const OUTLIVED = 1.5;
const DISPROOFS = 3;
/** So many connections that are closed before that end, with none that ends, say no more of it. */
const MOST_CLOSED = 8;

/** A request, as far as it matters whether its connection ends. */
export interface Repeatable {
  /** Whether it may be sent twice. */
  readonly repeatable: boolean;
}

/**
 * Learns after how long an endpoint ends idle connections if it never says so: gunicorn, for example, after two
 * seconds. A request that is sent at that moment is lost, unless it may be sent twice. A stock client sends all
 * requests on a few connections, which are idle for less time. evenkeel has connections to each endpoint, so it avoids
 * that moment.
 *
 * Ends for other reasons, such as a restart, come at any age. So one end tells nothing, and connections that live
 * longer disprove the known time. To see which is true, a connection near its end is not closed: it rests.
 */
export class IdleLife {
  /** For how many milliseconds the connections were idle that ended last; the newest at the end. */
  readonly #ends: number[] = [];
  /** Whether it ends connections moments after a response. */
  readonly haste = new Haste();
  /** In milliseconds; 0 while it isn't known. */
  #lasts = 0;
  #outlived = 0;
  #closed = 0;

  /** The endpoint has ended a connection that was idle for `idle` milliseconds. */
  onEnd(idle: number): void {
    if (idle < LEAST) return;
    this.#outlived = 0;
    this.#closed = 0;
    this.#ends.push(idle);
    if (this.#ends.length > REMEMBERED) this.#ends.shift();
    // Not the shortest, which may be an exception; and not the longest, because an end may be noticed late.
    if (this.#ends.length >= ENOUGH) this.#lasts = this.#ends.toSorted((a, b) => a - b)[ENOUGH - 1]!;
  }

  /** Whether a connection that has been idle for `idle` milliseconds may be about to end, as far as `request` must avoid that. */
  isNearEnd(idle: number, request?: Repeatable): boolean {
    const lasts = this.#lasts;
    if (lasts === 0) return false;
    if (idle > lasts * OUTLIVED) {
      if (++this.#outlived === DISPROOFS) this.#forget();
      return false;
    }
    const left = lasts - idle;
    const most = lasts * MOST_MARGIN;
    if (left <= Math.min(LEAST_MARGIN, most)) return true;
    return left <= Math.min(lasts * MARGIN, most) && request?.repeatable !== true;
  }

  /** Milliseconds until one that has idled for so long has outlived the known time. */
  untilOutlived(idle: number): number {
    return this.#lasts * OUTLIVED - idle;
  }

  /** One was closed here that was near its end, as no other could be made beside it. */
  onClosed(): void {
    if (++this.#closed === MOST_CLOSED) this.#forget();
  }

  #forget(): void {
    this.#ends.length = 0;
    this.#lasts = 0;
    this.#outlived = 0;
    this.#closed = 0;
  }
}
