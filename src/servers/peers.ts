import { isLoopback, isPrivate } from '../core/discovery/addresses.ts';

/** Whether a peer may see the name of this process: not if its address is public, or isn't known. */
export function isNear(address = ''): boolean {
  return isPrivate(address) || isLoopback(address);
}
