import type { OutgoingHttpHeaders } from 'node:http2';
import { grpcTimeoutOf } from '../common/grpc-timeout.ts';

/** How many milliseconds the caller gives a call, as its headers tell the server; `undefined`: no limit. */
export function timeoutOf(headers: OutgoingHttpHeaders): number | undefined {
  const connect = headers['connect-timeout-ms'];
  if (connect !== undefined) return /^\d{1,10}$/.test(`${connect}`) ? Number(connect) : undefined;
  return grpcTimeoutOf(headers['grpc-timeout']);
}
