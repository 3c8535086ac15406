import type { Dispatcher } from 'undici';
import type { RingHashSettings } from '../../config/settings.ts';
import { rawHeaderOf } from '../common/header-of.ts';
import { keyHash } from '../common/key-hash.ts';
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
  return keyHash(key?.(given) ?? (header === undefined ? undefined : rawHeaderOf(headers, header)));
}
