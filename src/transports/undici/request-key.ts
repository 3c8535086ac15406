import type { Dispatcher } from 'undici';
import type { RingHashSettings } from '../../config/settings.ts';
import { hash } from '../../core/base/hash.ts';
import { rawHeaderOf } from '../common/header-of.ts';
import type { RequestOptions } from './request-options.ts';

/**
 * The hash of the key of a request; -1 if it has none. A key function gets the caller's own options, which may have
 * more fields than are sent. @throws what a key function throws
 */
export function keyHashOf(
  given: Dispatcher.DispatchOptions,
  { headers }: RequestOptions,
  { key, header }: RingHashSettings,
): number {
  const value: unknown = key?.(given) ?? (header === undefined ? undefined : rawHeaderOf(headers, header));
  const text = typeof value === 'string' ? value : asText(value);
  // Requests without a value don't belong together: otherwise one pod would get all of them.
  return text === '' ? -1 : hash(text);
}

/** The text that undici makes of a header value, so that the key is the same in any form. Of several values, the first. */
function asText(given: unknown): string {
  const value: unknown = Array.isArray(given) ? given[0] : given;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return '';
  }
}
