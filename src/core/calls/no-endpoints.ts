import { NoEndpointsError } from '../base/errors.ts';
import type { Pool } from '../connections/pool.ts';

/** The error for a call that found no endpoint within `timeout` milliseconds. It counts the endpoints by state. */
export function noEndpoints(
  { set, board, dials }: Pool,
  discoveryError: Error | null,
  timeout: number,
): NoEndpointsError {
  const counts = new Map<string, number>();
  for (const { condition } of set.known) counts.set(condition, (counts.get(condition) ?? 0) + 1);
  const known = Array.from(counts, ([state, count]) => `${count} ${state}`).join(', ');
  const cause = dials.lastError ?? discoveryError;
  return new NoEndpointsError(
    `no endpoint for ${board.origin} after ${timeout} ms (${set.current.size} known${known && `: ${known}`})`,
    cause ? { cause } : undefined,
  );
}
