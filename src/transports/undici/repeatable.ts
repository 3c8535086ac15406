import { FormData } from 'undici';
import { isIdempotent, isSaid } from '../common/idempotent.ts';
import type { RequestOptions } from './request-options.ts';

const KEY = /^(x-)?idempotency-key$/i;

/** Whether it does no harm if a server gets a request twice, and whether it can be sent twice at all. */
export function isRepeatable({ method, idempotent, headers, body }: RequestOptions): boolean {
  if (!isReplayable(body)) return false;
  return idempotent ?? (isIdempotent(method) || hasKey(headers));
}

/** Whether a body is still all there after it was sent. Of iterables and streams nobody knows. */
export function isReplayable(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer || body instanceof Blob) return true;
  return body instanceof FormData;
}

/**
 * As Go's net/http has it, a key for the server to tell repetitions by makes any method idempotent. It has
 * to be one: a header without a value tells nothing, and some aren't even sent.
 */
function hasKey(headers: readonly unknown[] | null): boolean {
  if (headers === null) return false;
  for (let n = 0; n < headers.length; n += 2) {
    if (KEY.test(headers[n] as string) && isSaid(headers[n + 1])) return true;
  }
  return false;
}
