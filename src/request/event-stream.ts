import type { Dispatcher } from 'undici';

// https://html.spec.whatwg.org/multipage/server-sent-events.html
const EVENT_STREAM = /^\s*text\/event-stream\b/i;

/**
 * Whether a request asks for an event stream before all else. It is a guess, which the response confirms or
 * not, and looks only where it costs the same for all requests: names are sought as EventSource and
 * people write them, and an iterable, which may be good for once only, is left alone.
 */
export function asksForEventStream(headers: Dispatcher.DispatchOptions['headers']): boolean {
  if (headers == null) return false;
  const accept = acceptOf(headers);
  return typeof accept === 'string' && isEventStream(accept);
}

/** Whether that is the media type of event streams. */
export function isEventStream(mediaType: string | string[] | undefined): boolean {
  return typeof mediaType === 'string' && mediaType.length >= 17 && EVENT_STREAM.test(mediaType);
}

function acceptOf(headers: NonNullable<Dispatcher.DispatchOptions['headers']>): unknown {
  if (Array.isArray(headers)) {
    const { length } = headers;
    for (let n = 0; n < length; n += 2) {
      const name: unknown = headers[n];
      if (name === 'accept' || name === 'Accept') return headers[n + 1];
    }
    return undefined;
  }
  // A `Headers`, or a `Map`.
  const { get } = headers as { get?: unknown };
  if (typeof get === 'function') return get.call(headers, 'accept');
  return (headers as Record<string, unknown>).accept ?? (headers as Record<string, unknown>).Accept;
}
