/** The end of a connection that was idle for fewer milliseconds may be about the response before it. */
const SOON = 30;
/** The same of a connection that has carried no more responses than this. One that has carried more is kept. */
const MOST = 4;
/** Two such ends count as a habit if the endpoint has had fewer requests than this in between. */
const SELDOM = 50;
/** So many connections that outlive a moment of rest, with none that ends, show that the habit is over. */
const DISPROOFS = 8;

/**
 * Finds endpoints that end connections moments after a response, and don't say so: with the end of the connection, or
 * with bytes that answer nothing. A request that is sent in this moment is lost. So the connections of such an endpoint
 * take nothing for a moment after each response.
 *
 * A stock client loses few requests there, because each connection that has ended is dialled again, and may then lead
 * to another endpoint. evenkeel gives each endpoint its share.
 */
export class Haste {
  isKnown = false;
  /** How many requests the endpoint had when it last ended a connection so. */
  #last = Number.NEGATIVE_INFINITY;
  #outlived = 0;

  /**
   * A connection has ended that had carried so many responses, `idle` milliseconds after the last one.
   *
   * @param requests how many requests the endpoint has had
   */
  onEnd(idle: number, responses: number, requests: number): void {
    if (idle >= SOON || responses > MOST) return;
    if (requests - this.#last < SELDOM) this.isKnown = true;
    this.#last = requests;
    this.#outlived = 0;
  }

  /** A connection has outlived its rest. */
  onOutlived(): void {
    if (!this.isKnown || ++this.#outlived < DISPROOFS) return;
    this.isKnown = false;
    this.#outlived = 0;
  }
}
