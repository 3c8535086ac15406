import type { Dispatcher } from 'undici';
import type { RingHashSettings } from '../config/settings.ts';
import { hash } from '../hash.ts';
import { headerOf } from './header-of.ts';

/** The hash of the key that a request has by the settings; -1 if it has none. What a key function throws is thrown. */
export function keyHashOf(options: Dispatcher.DispatchOptions, { key, header }: RingHashSettings): number {
  const value = key?.(options) ?? (header === undefined ? undefined : headerOf(options.headers, header));
  return typeof value === 'string' ? hash(value) : -1;
}
