import type { Outcome } from '../../core/health/outcome.ts';
import { LONGEST_PAUSE } from '../../core/health/retry-after.ts';
import type { Metadata } from './grpc-js.ts';
import { isRefusal } from './session.ts';
import {
  CANCELLED,
  DEADLINE_EXCEEDED,
  INTERNAL,
  OK,
  RESOURCE_EXHAUSTED,
  UNAVAILABLE,
} from './status-codes.ts';

/**
 * The HTTP statuses that mean the same as gRPC's codes, by code:
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

export function isOk(code: number): boolean {
  return code === OK;
}

/** The HTTP status that means the same as a gRPC code. */
export function statusOf(code: number): number {
  return STATUSES[code] ?? 500;
}

/**
 * How an attempt has ended, for its endpoint. `isBroken`: its connection has broken, which grpc-js sometimes reports as
 * INTERNAL. `isEnding`: its connection takes no more calls, and finishes those that it carries.
 */
export function outcomeOf(
  code: number,
  details: string | undefined,
  isBroken: boolean,
  isEnding: boolean,
): Exclude<Outcome, 'expired'> {
  if (code === CANCELLED) return 'cancelled';
  // It crossed a GOAWAY, and grpc-js sends most such calls again. Versions before 1.14 only say UNAVAILABLE.
  const isRefused = details === undefined ? isEnding && code === UNAVAILABLE : isRefusal(details);
  if (isBroken && isRefused) return 'refused';
  if (code === DEADLINE_EXCEEDED) return 'timeout';
  return isBroken && (code === UNAVAILABLE || code === INTERNAL) ? 'failure' : 'success';
}

/**
 * For how many milliseconds a server wants no calls; 0 if it doesn't say.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
 */
export function pushbackOf(code: number, metadata: Metadata | undefined): number {
  if (code !== UNAVAILABLE && code !== RESOURCE_EXHAUSTED) return 0;
  const [value] = metadata?.get('grpc-retry-pushback-ms') ?? [];
  const asked = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : 0;
  return Math.min(asked, LONGEST_PAUSE);
}
