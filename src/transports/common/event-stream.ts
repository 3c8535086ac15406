// https://html.spec.whatwg.org/multipage/server-sent-events.html
const EVENT_STREAM = /^\s*text\/event-stream\b/i;

/**
 * Whether a request asks for an event stream first of all. This is a guess; the response confirms it or not. It costs
 * next to nothing: header names are compared only in the spellings of EventSource and of people.
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

/** Whether a media type is that of event streams. */
export function isEventStream(mediaType: string | string[] | undefined): boolean {
  return typeof mediaType === 'string' && mediaType.length >= 17 && EVENT_STREAM.test(mediaType);
}
