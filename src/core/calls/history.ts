import type { Pod } from '../connections/connection.ts';

/** What has been tried for one call, once something has gone wrong. */
export class History {
  /** Endpoints that have failed it. */
  readonly failed: Pod[] = [];
  /** Why the last one has. */
  error: Error | undefined;
  /** Times it was sent again. */
  resent = 0;
  /** Those of them that are limited. */
  retries = 0;
  /** Those of them that came after it had been sent in full, for all we know. */
  unsafe = 0;
  /** A server has refused its stream. */
  refused = false;
  /** Times its connection turned out to be gone, or going, so that nobody has looked at it. */
  reroutes = 0;
  /** Times that a peer has refused it for taking fewer streams than before. */
  overLimit = 0;
  /** Times that its connection, idle before, ended just as it was sent. */
  crossed = 0;
}
