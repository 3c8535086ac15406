/** The first characters of a final response below 400. */
const SERVED = /^HTTP\/1\.[01] [23]/;
const ENOUGH = 10;
const BEGINNING = 'HTTP/1.';

/**
 * Whether bytes on an idle connection are a response as if to a request. Honest servers send other things there: a 408
 * or another error just before they close the connection, or the rest of a body that is too long.
 */
export function isServed(chunk: Buffer, start = 0): boolean {
  return SERVED.test(chunk.toString('latin1', start, start + ENOUGH));
}

/** The same, of what comes last in a chunk, behind the response that was asked for. */
export function endsServed(chunk: Buffer): boolean {
  const start = chunk.lastIndexOf(BEGINNING);
  return start > 0 && isServed(chunk, start);
}
