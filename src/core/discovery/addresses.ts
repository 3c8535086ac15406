import { BlockList, isIP } from 'node:net';

interface Lists {
  readonly loopback: BlockList;
  readonly privateUse: BlockList;
  readonly hosts: BlockList;
}

// Made at the first use, because these lists take a while to load.
let lists: Lists | undefined;

function makeLists(): Lists {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');

  const privateUse = new BlockList();
  // RFC 1918; carrier-grade NAT (RFC 6598), which clusters use too; unique local addresses. Not link-local addresses:
  // what they lead to belongs to the machine, above all the metadata service of a cloud.
  privateUse.addSubnet('10.0.0.0', 8, 'ipv4');
  privateUse.addSubnet('172.16.0.0', 12, 'ipv4');
  privateUse.addSubnet('192.168.0.0', 16, 'ipv4');
  privateUse.addSubnet('100.64.0.0', 10, 'ipv4');
  privateUse.addSubnet('fc00::', 7, 'ipv6');

  // Metadata services of clouds that have a private address: EC2, EKS, Google, Alibaba.
  const hosts = new BlockList();
  for (const address of ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254']) hosts.addAddress(address, 'ipv6');
  hosts.addAddress('100.100.100.200', 'ipv4');
  return { loopback, privateUse, hosts };
}

/** Whether an IP address leads back to this host. */
export function isLoopback(address: string): boolean {
  return contains('loopback', address);
}

/** Whether an IP address is private: the address of a pod, a ClusterIP, a machine in the own network. */
export function isPrivate(address: string): boolean {
  return contains('privateUse', address) && !contains('hosts', address);
}

/** Whether all addresses lead to this host or are private. There must be at least one. */
export function localOnly(addresses: readonly { readonly address: string }[]): boolean {
  return addresses.length > 0 && addresses.every(({ address }) => isLoopback(address) || isPrivate(address));
}

function contains(name: keyof Lists, address: string): boolean {
  lists ??= makeLists();
  const list = lists[name];
  const [unscoped = ''] = address.split('%');
  switch (isIP(unscoped)) {
    case 4:
      return list.check(unscoped, 'ipv4');
    case 6:
      // Also checks IPv4-mapped addresses.
      return list.check(unscoped, 'ipv6');
    default:
      return false;
  }
}
