/** Milliseconds: who ends connections sooner keeps none of them, and a request that comes then is held up (core/calls/reuse.ts). */
const LEAST = 10;
/** Ends that are remembered, and how many of them it takes to know something. */
const REMEMBERED = 4;
const ENOUGH = 2;
/** The part of the known time, and milliseconds, before the end in which a request might cross it: of a short time, half at most. */
const MARGIN = 0.25;
const LEAST_MARGIN = 20;
const MOST_MARGIN = 0.5;
/** Where a connection is there after so many times the known time, that is not what ends them; so often is enough. */
const OUTLIVED = 1.5;
const DISPROOFS = 3;

/**
 * Learns after how long an endpoint ends idle connections without ever saying so, as gunicorn does after two seconds. A
 * request that is sent at that moment is lost, unless it may be sent twice. A stock client sends all its requests on a few
 * connections, which are idle for shorter than ours, for we have some to each endpoint: so we keep away from that moment.
 *
 * Ends that have other reasons, as a restart, come at any age: one outlier tells nothing, and what outlives the known time
 * disproves it.
 */
export class IdleLife {
  /** Milliseconds for which those were idle that ended last, the newest at the end. */
  readonly #ends: number[] = [];
  /** Milliseconds; 0 while not known. */
  #lasts = 0;
  #outlived = 0;

  /** The endpoint has ended a connection that was idle for so many milliseconds. */
  onEnd(idle: number): void {
    if (idle < LEAST) return;
    this.#outlived = 0;
    this.#ends.push(idle);
    if (this.#ends.length > REMEMBERED) this.#ends.shift();
    // The shortest may be an outlier. What we noticed late seems to have lasted for longer.
    if (this.#ends.length >= ENOUGH) this.#lasts = this.#ends.toSorted((a, b) => a - b)[ENOUGH - 1]!;
  }

  /** Whether a connection that has been idle for so many milliseconds, and is there, may be about to end. */
  isNearEnd(idle: number): boolean {
    const lasts = this.#lasts;
    if (lasts === 0) return false;
    if (idle > lasts * OUTLIVED) {
      if (++this.#outlived === DISPROOFS) this.#forget();
      return false;
    }
    const margin = Math.min(Math.max(lasts * MARGIN, LEAST_MARGIN), lasts * MOST_MARGIN);
    return idle >= lasts - margin;
  }

  #forget(): void {
    this.#ends.length = 0;
    this.#lasts = 0;
    this.#outlived = 0;
  }
}
