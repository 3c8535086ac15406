import { isLoopback, isPrivate } from '../core/discovery/addresses.ts';

/** Whether a peer may see the name of this process. Not if its address is public or unknown. */
export function isNear(address = ''): boolean {
  return isPrivate(address) || isLoopback(address);
}
