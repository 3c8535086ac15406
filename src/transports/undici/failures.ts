import { REFUSED_STREAM } from '../common/http2-codes.ts';

/** The codes of errors for a connection or a stream that ended, with a message from the peer or without. */
export const RESETS = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_HTTP2_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_ERROR',
  'UND_ERR_SOCKET',
]);

export function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? '';
}

/** Whether an error says that a peer has not processed a stream. A caller may throw anything, not only errors. */
export function isRefusal(error: Error): boolean {
  return (error as { http2ErrorCode?: unknown } | null | undefined)?.http2ErrorCode === REFUSED_STREAM;
}
