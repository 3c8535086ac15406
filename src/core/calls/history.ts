import type { Pod } from '../connections/connection.ts';

/** What was tried for one call. Exists only once something has gone wrong. */
export class History {
  /** The endpoints that have failed the call. */
  readonly failed: Pod[] = [];
  /** Why the last endpoint failed. */
  error: Error | undefined;
  /** How many times the call was sent again. */
  resent = 0;
  /** How many of these count against `retry.attempts`. */
  retries = 0;
  /** How many of these may have come after the server had the whole request. */
  unsafe = 0;
  /** Whether a server has refused its stream. */
  refused = false;
  /** How many times its connection was gone, or was going away, so that no server has processed the call. */
  reroutes = 0;
  /** How many times a peer refused the call because the peer takes fewer streams than before. */
  overLimit = 0;
  /** How many times its idle connection ended just as the call was sent. */
  crossed = 0;
}
