import { ADDRCONFIG, ALL, V4MAPPED } from 'node:dns';
import { isIP } from 'node:net';

type Options = Readonly<Record<string, unknown>>;

const FAMILIES: readonly unknown[] = [0, 4, 6, 'IPv4', 'IPv6', null];
const HINTS = ADDRCONFIG | ALL | V4MAPPED;

/** Whether Node doesn't accept an option of a request that evenkeel doesn't need, or needs later. */
export function isRefused(own: Options, options: Options): boolean {
  const family = own.family ?? options.family;
  const hints = own.hints ?? options.hints;
  const localAddress = own.localAddress ?? options.localAddress;
  // Node sets the timeout of the agent on its sockets. (The request has checked its own.)
  if (own.timeout !== undefined && !isTimeout(own.timeout)) return true;
  if (family !== undefined && !FAMILIES.includes(family)) return true;
  if (hints !== undefined && (typeof hints !== 'number' || (hints & ~HINTS) !== 0)) return true;
  return Boolean(localAddress) && isIP(localAddress as string) === 0;
}

/** Without a timeout, Node sets none; `0` and NaN are no timeout either. */
function isTimeout(timeout: unknown): boolean {
  return !timeout || (typeof timeout === 'number' && timeout > 0 && timeout < Number.POSITIVE_INFINITY);
}
