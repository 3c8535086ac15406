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
  if (family !== undefined && !FAMILIES.includes(family)) return true;
  if (hints !== undefined && (typeof hints !== 'number' || (hints & ~HINTS) !== 0)) return true;
  return Boolean(localAddress) && isIP(localAddress as string) === 0;
}
