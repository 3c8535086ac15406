import type { Dispatcher } from 'undici';
import type { RingHashSettings } from '../../config/settings.ts';
import { hash } from '../../core/base/hash.ts';
import { rawHeaderOf } from '../common/header-of.ts';
import type { RequestOptions } from './request-options.ts';

/**
 * The hash of the key that a request has by the settings; -1 if it has none. What a key function throws is
 * thrown. It sees what the caller gave, which may have more to it than what is sent.
 */
export function keyHashOf(
  given: Dispatcher.DispatchOptions,
  { headers }: RequestOptions,
  { key, header }: RingHashSettings,
): number {
  const value: unknown = key?.(given) ?? (header === undefined ? undefined : rawHeaderOf(headers, header));
  const text = typeof value === 'string' ? value : asText(value);
  // Those that say nothing have nothing in common: one pod would have them all.
  return text === '' ? -1 : hash(text);
}

/** What undici makes of a value that is no text: the same key, in whatever form a caller has it. Of several, the first. */
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
