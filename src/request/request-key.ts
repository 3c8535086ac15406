import type { Dispatcher } from 'undici';
import type { RingHashSettings } from '../config/settings.ts';
import { hash } from '../hash.ts';
import { headerOf } from './header-of.ts';
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
  const value = key?.(given) ?? (header === undefined ? undefined : headerOf(headers, header));
  return typeof value === 'string' ? hash(value) : -1;
}
