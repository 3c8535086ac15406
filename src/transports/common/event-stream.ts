// https://html.spec.whatwg.org/multipage/server-sent-events.html
const EVENT_STREAM = /^\s*text\/event-stream\b/i;

/**
 * Whether a request asks for an event stream before all else. It is a guess, which the response confirms or
 * not, and costs next to nothing: the name is sought as EventSource and people write it.
 */
export function asksForEventStream(headers: readonly string[] | null): boolean {
  if (headers === null) return false;
  const { length } = headers;
  for (let n = 0; n < length; n += 2) {
    const name = headers[n];
    if (name === 'accept' || name === 'Accept') return isEventStream(headers[n + 1]);
  }
  return false;
}

/** Whether that is the media type of event streams. */
export function isEventStream(mediaType: string | string[] | undefined): boolean {
  return typeof mediaType === 'string' && mediaType.length >= 17 && EVENT_STREAM.test(mediaType);
}
