/** Two unasked responses count as a habit if an endpoint has served fewer requests than this in between. */
const SELDOM = 50;

/** What an endpoint counts. */
interface Counted {
  /** How many requests and dials have ended, without those that their callers gave up. */
  readonly judged: number;
}

/**
 * Finds endpoints that send responses that no request has asked for. Such a response may come just after the next
 * request was sent, and then looks like its response. Only the end of the connection helps, and only until the next
 * connection. So an endpoint that does this again and again is ejected, although its requests look served.
 */
export class UnaskedResponses<S extends Counted> {
  /** How many requests each endpoint had served when it last sent an unasked response. */
  readonly #last = new WeakMap<S, number>();

  /** An endpoint has sent an unasked response. Returns whether that is a habit. */
  isHabit(endpoint: S): boolean {
    const last = this.#last.get(endpoint) ?? Number.NEGATIVE_INFINITY;
    this.#last.set(endpoint, endpoint.judged);
    return endpoint.judged - last < SELDOM;
  }
}
