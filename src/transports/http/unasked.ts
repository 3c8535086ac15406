/** The first characters of a final response below 400. */
const SERVED = /^HTTP\/1\.[01] [23]/;
const ENOUGH = 10;

/**
 * Whether bytes on an idle connection are a response as if to a request. Honest servers send other things there: a 408
 * or another error just before they close the connection, or the rest of a body that is too long.
 */
export function isServed(chunk: Buffer): boolean {
  return SERVED.test(chunk.toString('latin1', 0, ENOUGH));
}
