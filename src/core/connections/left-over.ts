/** How often an unused connection is looked at, in milliseconds. */
export const LOOK_INTERVAL = 1_000;

/** A connection that may never have had a request. */
export interface Unused {
  readonly parked: boolean;
  readonly endpoint: {
    /** How many connections it has ended itself. */
    readonly ends: number;
    readonly connections: Iterable<{ readonly retired: string | undefined; readonly requests: number }>;
  };
}

/**
 * Whether an unused connection is all that is left because its pod has ended the others. It is closed, because the pod
 * may be ending, and wait for it: Node's `server.close()` ends idle connections, but takes one without a request for one
 * whose request is on its way.
 *
 * @param endsBefore how many connections the pod had ended when this one was made
 */
export function isLeftOver({ endpoint }: Unused, endsBefore: number): boolean {
  if (endpoint.ends === endsBefore) return false;
  for (const { retired, requests } of endpoint.connections) {
    if (retired === undefined && requests > 0) return false;
  }
  return true;
}
