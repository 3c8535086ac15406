import type { IncomingHttpHeaders } from 'node:http2';
import { UNRESPONSIVE } from '../../core/base/errors.ts';
import { statusOf } from '../grpc/outcome-of.ts';

/** As https://www.rfc-editor.org/rfc/rfc9113 numbers them. */
const REFUSED_STREAM = 7;
export const CANCEL = 8;

const TOO_MANY = 429;
const UNAVAILABLE = 503;
/** Milliseconds of a pause at most: what asks for more is asked again. */
const LONGEST_PAUSE = 30_000;

/** Whether that is the code of a stream that the peer has not looked at. */
export function isRefused(code: number): boolean {
  return code === REFUSED_STREAM;
}

/** Whether that is the code of a stream that somebody has had enough of. */
export function isCancel(code: number): boolean {
  return code === CANCEL;
}

/** Whether a session was ended here by that error, though its peer was there. */
export function isResetHere(error: Error | undefined): boolean {
  if (error === undefined) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code !== UNRESPONSIVE && code !== 'ECONNRESET';
}

/** The status of HTTP that means what gRPC's own says; `undefined`: it says that all went well, or there is none. */
export function grpcStatusOf(trailers: IncomingHttpHeaders): number | undefined {
  const said = trailers['grpc-status'];
  if (typeof said !== 'string' || !/^\d+$/.test(said)) return undefined;
  return said === '0' ? undefined : statusOf(Number(said));
}

/**
 * Milliseconds for which a server asks not to be bothered; 0 if it doesn't.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
 */
export function pushbackOf(trailers: IncomingHttpHeaders, status: number): number {
  const asked = trailers['grpc-retry-pushback-ms'];
  if (status !== UNAVAILABLE && status !== TOO_MANY) return 0;
  return typeof asked === 'string' && /^\d+$/.test(asked) ? Math.min(Number(asked), LONGEST_PAUSE) : 0;
}
