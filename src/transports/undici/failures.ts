/** What is said of a connection that ended, or a stream, with or without a word from the peer. */
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

/** What HTTP/2 calls the code of a stream that a peer has not looked at. */
export const REFUSED_STREAM = 7;

/** Whether an error says so. A caller may throw anything, which is no error then. */
export function isRefusal(error: Error): boolean {
  return (error as { http2ErrorCode?: unknown } | null | undefined)?.http2ErrorCode === REFUSED_STREAM;
}
