import { BlockList, isIP } from 'node:net';
import type { EndpointAddress } from './resolver.ts';

interface Lists {
  readonly loopback: BlockList;
  readonly privateUse: BlockList;
  readonly hosts: BlockList;
}

// Made when first asked for: they take a while to load.
let lists: Lists | undefined;

function makeLists(): Lists {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');

  const privateUse = new BlockList();
  // RFC 1918, carrier-grade NAT's RFC 6598 (which clusters use too), unique local addresses. Link-local addresses
  // are the host's own affair: what they lead to is the machine's, above all the metadata service of a cloud.
  privateUse.addSubnet('10.0.0.0', 8, 'ipv4');
  privateUse.addSubnet('172.16.0.0', 12, 'ipv4');
  privateUse.addSubnet('192.168.0.0', 16, 'ipv4');
  privateUse.addSubnet('100.64.0.0', 10, 'ipv4');
  privateUse.addSubnet('fc00::', 7, 'ipv6');

  // Where clouds have their metadata services although the address is private: EC2, EKS, Google, Alibaba.
  const hosts = new BlockList();
  for (const address of ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254']) hosts.addAddress(address, 'ipv6');
  hosts.addAddress('100.100.100.200', 'ipv4');
  return { loopback, privateUse, hosts };
}

/** Whether the IP address leads back to this host. */
export function isLoopback(address: string): boolean {
  return contains('loopback', address);
}

/** Whether the IP address is from private space: a pod's, a ClusterIP, a machine in the own network. */
export function isPrivate(address: string): boolean {
  return contains('privateUse', address) && !contains('hosts', address);
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
