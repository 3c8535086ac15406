import { FormData } from 'undici';
import { isIdempotent, isSaid } from '../common/idempotent.ts';
import type { RequestOptions } from './request-options.ts';

const KEY = /^(x-)?idempotency-key$/i;

/** Whether a request may be sent twice: a repetition does no harm, and the body can be sent again. */
export function isRepeatable({ method, idempotent, headers, body }: RequestOptions): boolean {
  if (!isReplayable(body)) return false;
  return idempotent ?? (isIdempotent(method) || hasKey(headers));
}

/** Whether a body is still complete after it was sent. With iterables and streams, nobody knows. */
export function isReplayable(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer || body instanceof Blob) return true;
  return body instanceof FormData;
}

/**
 * An `Idempotency-Key`, by which the server recognises repetitions, makes any method idempotent, as in Go's net/http.
 * It needs a value: an empty header says nothing, and sometimes isn't even sent.
 */
function hasKey(headers: readonly unknown[] | null): boolean {
  if (headers === null) return false;
  for (let n = 0; n < headers.length; n += 2) {
    if (KEY.test(headers[n] as string) && isSaid(headers[n + 1])) return true;
  }
  return false;
}
