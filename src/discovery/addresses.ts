import { BlockList, isIP } from 'node:net';
import type { EndpointAddress } from './resolver.ts';

interface Lists {
  readonly loopback: BlockList;
  readonly privateUse: BlockList;
}

// Made when first asked for: they take a while to load.
let lists: Lists | undefined;

function makeLists(): Lists {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');

  const privateUse = new BlockList();
  // RFC 1918, carrier-grade NAT's RFC 6598 (which clusters use too), link-local.
  privateUse.addSubnet('10.0.0.0', 8, 'ipv4');
  privateUse.addSubnet('172.16.0.0', 12, 'ipv4');
  privateUse.addSubnet('192.168.0.0', 16, 'ipv4');
  privateUse.addSubnet('100.64.0.0', 10, 'ipv4');
  privateUse.addSubnet('169.254.0.0', 16, 'ipv4');
  // Unique local addresses, link-local.
  privateUse.addSubnet('fc00::', 7, 'ipv6');
  privateUse.addSubnet('fe80::', 10, 'ipv6');
  return { loopback, privateUse };
}

/** Whether the IP address leads back to this host. */
export function isLoopback(address: string): boolean {
  return contains('loopback', address);
}

/** Whether the IP address is from private or link-local space: a pod's, a ClusterIP, a machine in the own network. */
export function isPrivate(address: string): boolean {
  return contains('privateUse', address);
}

/** Whether the endpoints, of which there are some, are all on this host or in private address space. */
export function localOnly(endpoints: readonly EndpointAddress[]): boolean {
  return endpoints.length > 0 && endpoints.every(({ address }) => isLoopback(address) || isPrivate(address));
}

function contains(name: keyof Lists, address: string): boolean {
  lists ??= makeLists();
  const list = lists[name];
  const [unscoped = ''] = address.split('%');
  switch (isIP(unscoped)) {
    case 4:
      return list.check(unscoped, 'ipv4');
    case 6:
      // Looks into IPv4-mapped addresses too.
      return list.check(unscoped, 'ipv6');
    default:
      return false;
  }
}
