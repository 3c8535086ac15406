import type { Outcome } from '../../core/health/outcome.ts';
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
 * The statuses of HTTP that mean what those of gRPC do, by their codes:
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** Milliseconds of a pause at most: what asks for more is asked again. */
const LONGEST_PAUSE = 30_000;

export function isOk(code: number): boolean {
  return code === OK;
}

/** The status of HTTP that means what a code of gRPC does. */
export function statusOf(code: number): number {
  return STATUSES[code] ?? 500;
}

/**
 * How an attempt has ended, for its endpoint. `isBroken`: with its connection, which grpc-js calls INTERNAL now and then.
 * `isEnding`: that goes on with what it carries.
 */
export function outcomeOf(
  code: number,
  details: string | undefined,
  isBroken: boolean,
  isEnding: boolean,
): Exclude<Outcome, 'expired'> {
  if (code === CANCELLED) return 'cancelled';
  // It crossed a GOAWAY, and grpc-js sends most of them again. Versions before 1.14 say no more than UNAVAILABLE.
  const isRefused = details === undefined ? isEnding && code === UNAVAILABLE : isRefusal(details);
  if (isBroken && isRefused) return 'refused';
  if (code === DEADLINE_EXCEEDED) return 'timeout';
  return isBroken && (code === UNAVAILABLE || code === INTERNAL) ? 'failure' : 'success';
}

/**
 * Milliseconds for which a server asks not to be bothered; 0 if it doesn't.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
 */
export function pushbackOf(code: number, metadata: Metadata | undefined): number {
  if (code !== UNAVAILABLE && code !== RESOURCE_EXHAUSTED) return 0;
  const [value] = metadata?.get('grpc-retry-pushback-ms') ?? [];
  const asked = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : 0;
  return Math.min(asked, LONGEST_PAUSE);
}
