import type { Client } from 'undici';
import { DEFAULTS } from './undici.ts';

/** For how many milliseconds undici keeps an idle connection to a server that answers with these headers. */
export function keepAliveOf(
  headers: Record<string, string | string[] | undefined>,
  { keepAliveTimeout, keepAliveTimeoutThreshold, keepAliveMaxTimeout }: Client.Options,
): number {
  const hint = /\btimeout=(\d+)/i.exec(String(headers['keep-alive'] ?? ''));
  if (hint === null) return keepAliveTimeout ?? DEFAULTS.keepAliveTimeout;
  const milliseconds =
    Number(hint[1]) * 1_000 - (keepAliveTimeoutThreshold ?? DEFAULTS.keepAliveTimeoutThreshold);
  return Math.max(1, Math.min(milliseconds, keepAliveMaxTimeout ?? DEFAULTS.keepAliveMaxTimeout));
}
