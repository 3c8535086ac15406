import type { Clock, Timer } from '../../base/clock.ts';
import { ApiError } from './api.ts';
import type { Backoff } from './backoff.ts';

/** After so many milliseconds without an answer, the next watch asks. It may reach another API server. */
const UNANSWERED = 4_400;

/** Why a watch should ask now: it is its turn, or another watch is open. */
export type Reason = 'turn' | 'open';

/** How a watch failed. */
export interface Failure {
  readonly error: unknown;
  /** Whether the error is an answer, of a server that may have just started. */
  readonly isComingBack: boolean;
  /** The delays of this watch. They count if nobody else fails. */
  readonly backoff: Backoff;
}

interface Waiting {
  readonly ask: AbortController;
  /** Whether the watch has asked since it broke. */
  readonly hasAsked: boolean;
}

/**
 * The watches of one client while the API fails. They ask in turn, each for all: the API hears as much as it would from
 * one watch, and as soon as one is open, all others ask. Asking in turn, they also find out what one alone couldn't: if
 * the API refuses one of them for good, the next one may be allowed; if one gets no answer, the next one asks soon, and
 * may reach another server.
 */
export class Scouts<W extends object = object> {
  readonly #clock: Clock;
  /** In the order in which they failed. */
  readonly #waiting = new Map<W, Waiting>();
  /** The watch that asks for all at present. */
  #scout: W | undefined;
  /** What the last one that asked for all got. */
  #kind = '';
  /** The delays of the watch that failed first. */
  #backoff!: Backoff;
  #timer: Timer | undefined;
  /** When the next one asks, on the clock. */
  #nextAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A watch has failed or broken. Returns a signal that aborts when it should ask, with a `Reason`. */
  wait(watch: W, failure: Failure): AbortSignal {
    const kind = failure.error instanceof ApiError ? `${failure.error.status}` : 'no answer';
    const isFirst = this.#scout === undefined && this.#waiting.size === 0;
    const wasScout = this.#scout === watch;
    const hasAsked = this.#waiting.delete(watch) || wasScout;
    const ask = new AbortController();
    this.#waiting.set(watch, { ask, hasAsked });
    if (isFirst) this.#backoff = failure.backoff;
    if (isFirst || wasScout) {
      this.#scout = undefined;
      this.#kind = kind;
      this.#schedule(pauseAfter(failure, this.#backoff));
    } else if (!hasAsked && kind !== this.#kind) {
      // It may have broken for a reason of its own. Then it need not wait for as long as the others.
      const pause = pauseAfter(failure, failure.backoff);
      if (this.#clock.now() + pause < this.#nextAt) this.#schedule(pause);
    } else if (this.#timer === undefined) {
      this.#schedule(UNANSWERED);
    }
    return ask.signal;
  }

  /** A watch is open. */
  opened(watch: W): void {
    this.#waiting.delete(watch);
    const others = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#scout = undefined;
    this.#cancel();
    for (const { ask } of others) ask.abort('open' satisfies Reason);
  }

  /** A watch asks only for itself now, or has ended. */
  dismiss(watch: W): void {
    this.#waiting.delete(watch);
    if (this.#scout === watch) {
      this.#scout = undefined;
      this.#askNext();
    }
    if (this.#waiting.size === 0) this.#cancel();
  }

  /** The next watch asks. One that hasn't asked yet comes first. */
  #askNext(): void {
    this.#cancel();
    const waiting = [...this.#waiting];
    const next = waiting.find(([, { hasAsked }]) => !hasAsked) ?? waiting[0];
    if (next === undefined) return;
    const [watch, { ask }] = next;
    this.#waiting.delete(watch);
    this.#scout = watch;
    if (this.#waiting.size > 0) this.#schedule(UNANSWERED);
    ask.abort('turn' satisfies Reason);
  }

  #schedule(delay: number): void {
    this.#cancel();
    this.#nextAt = this.#clock.now() + delay;
    this.#timer = this.#clock.schedule(() => this.#askNext(), Math.ceil(delay));
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#nextAt = Number.POSITIVE_INFINITY;
  }
}

function pauseAfter({ error, isComingBack }: Failure, backoff: Backoff): number {
  return isComingBack ? backoff.afterAnswer(error as ApiError) : backoff.after(error);
}
