import type { Dispatcher } from 'undici';

/** https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2, and QUERY, whose draft says so too. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);
const KEY = /^(x-)?idempotency-key$/i;

/** Whether it does no harm if a server gets a request twice, and whether it can be sent twice at all. */
export function isRepeatable({ method, idempotent, headers, body }: Dispatcher.DispatchOptions): boolean {
  if (!isReplayable(body)) return false;
  return idempotent ?? (IDEMPOTENT.has(method) || hasKey(headers));
}

/** Whether a body is still all there after it was sent. Of iterables and streams nobody knows. */
export function isReplayable(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer || body instanceof Blob) return true;
  return body instanceof FormData;
}

/** As Go's net/http has it, a key for the server to tell repetitions by makes any method idempotent. */
function hasKey(headers: Dispatcher.DispatchOptions['headers']): boolean {
  if (!headers) return false;
  for (const name of namesOf(headers)) if (KEY.test(name)) return true;
  return false;
}

function namesOf(headers: NonNullable<Dispatcher.DispatchOptions['headers']>): string[] {
  if (Array.isArray(headers)) return headers.filter((_, index) => index % 2 === 0).map(String);
  if (Symbol.iterator in headers) return Array.from(headers as Iterable<[string, unknown]>, ([name]) => name);
  return Object.keys(headers);
}
