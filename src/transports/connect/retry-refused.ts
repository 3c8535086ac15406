/** How many times a call is sent at most. */
const MOST_ATTEMPTS = 4;

/**
 * An interceptor for transports of connect. It sends a unary call again if the server has refused it with
 * REFUSED_STREAM, or if Node did not send it because a GOAWAY had come. No server has processed such a call, so this is
 * safe for all methods: https://www.rfc-editor.org/rfc/rfc9113#section-8.7. A call is sent four times at most, each
 * time to the pod that is best then. Streams are not sent again.
 */
export function retryRefused<Request extends { readonly stream: boolean }, Response>(
  next: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(request);
      } catch (error) {
        if (request.stream || attempt === MOST_ATTEMPTS || !isRefused(error)) throw error;
      }
    }
  };
}

/** Whether Node reports this stream code. A server can't put it into the status of a call. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error) || !('code' in cause)) return false;
  return cause.code === 'ERR_HTTP2_STREAM_ERROR' && cause.message.includes('NGHTTP2_REFUSED_STREAM');
}
