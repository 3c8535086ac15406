import type { Client } from 'undici';

/** undici's defaults. */
const KEEP_ALIVE = 4_000;
const THRESHOLD = 2_000;
const LONGEST = 600_000;

/** Milliseconds for which undici keeps an idle connection of a server that answers with these headers. */
export function keepAliveOf(
  headers: Record<string, string | string[] | undefined>,
  { keepAliveTimeout, keepAliveTimeoutThreshold, keepAliveMaxTimeout }: Client.Options,
): number {
  const hint = /\btimeout=(\d+)/i.exec(String(headers['keep-alive'] ?? ''));
  if (hint === null) return keepAliveTimeout ?? KEEP_ALIVE;
  const milliseconds = Number(hint[1]) * 1_000 - (keepAliveTimeoutThreshold ?? THRESHOLD);
  return Math.max(1, Math.min(milliseconds, keepAliveMaxTimeout ?? LONGEST));
}
