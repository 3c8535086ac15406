import type { IncomingHttpHeaders } from 'node:http2';
import { UNRESPONSIVE } from '../../core/base/errors.ts';
import { LONGEST_PAUSE } from '../../core/health/retry-after.ts';
import { CANCEL, REFUSED_STREAM } from '../common/http2-codes.ts';
import { statusOf } from '../grpc/outcome-of.ts';

const TOO_MANY = 429;
const UNAVAILABLE = 503;

/** Whether this is the code of a stream that the peer has not processed. */
export function isRefused(code: number): boolean {
  return code === REFUSED_STREAM;
}

/** Whether this is the code of a stream that one side no longer wants. */
export function isCancel(code: number): boolean {
  return code === CANCEL;
}

/** Whether this side ended the session with this error, although the peer was there. */
export function isResetHere(error: Error | undefined): boolean {
  if (error === undefined) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code !== UNRESPONSIVE && code !== 'ECONNRESET';
}

/**
 * The HTTP status that means the same as a gRPC status; `undefined` if the call went well, or if there is no gRPC
 * status.
 */
export function grpcStatusOf(trailers: IncomingHttpHeaders): number | undefined {
  const said = trailers['grpc-status'];
  if (typeof said !== 'string' || !/^\d+$/.test(said)) return undefined;
  return said === '0' ? undefined : statusOf(Number(said));
}

/**
 * For how many milliseconds a server wants no calls; 0 if it doesn't say.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
 */
export function pushbackOf(trailers: IncomingHttpHeaders, status: number): number {
  const asked = trailers['grpc-retry-pushback-ms'];
  if (status !== UNAVAILABLE && status !== TOO_MANY) return 0;
  return typeof asked === 'string' && /^\d+$/.test(asked) ? Math.min(Number(asked), LONGEST_PAUSE) : 0;
}
