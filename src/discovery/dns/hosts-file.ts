import { isIP, SocketAddress } from 'node:net';

/**
 * The addresses that the text of a hosts file, in lower case, gives a name. The text is searched rather
 * than indexed: it is a few lines in a pod, and a hundred thousand on the machine of who blocks advertisements with it.
 */
export function addressesInHosts(text: string, name: string): string[] {
  if (!text.includes(name)) return [];
  return text.split('\n').flatMap((line) => {
    const [entry = ''] = line.split('#');
    const [address = '', ...names] = entry.trim().split(/\s+/);
    return names.includes(name) && isIP(address) !== 0 ? [canonical(address)] : [];
  });
}

// Unlike name servers' answers, a file has IPv6 addresses as somebody wrote them.
function canonical(address: string): string {
  if (isIP(address) === 4 || address.includes('%')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
