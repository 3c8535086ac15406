import { isIP, SocketAddress } from 'node:net';

/**
 * The addresses of a name in the text of a hosts file, in lower case. The text is searched, not indexed: in a pod it
 * has a few lines, but a hundred thousand on a machine that blocks advertisements with it.
 */
export function addressesInHosts(text: string, name: string): string[] {
  const addresses: string[] = [];
  for (const line of linesWith(text, name)) {
    const [entry = ''] = line.split('#');
    const [address = '', ...names] = entry.trim().split(/\s+/);
    if (names.includes(name) && isIP(address) !== 0) addresses.push(canonical(address));
  }
  return addresses;
}

function* linesWith(text: string, name: string): Generator<string, void, undefined> {
  for (let end = 0, at = text.indexOf(name); at !== -1; at = text.indexOf(name, end)) {
    const start = text.lastIndexOf('\n', at) + 1;
    end = text.indexOf('\n', at);
    if (end === -1) end = text.length;
    yield text.slice(start, end);
    if (end === text.length) return;
  }
}

// In a file, IPv6 addresses may be written in several ways.
function canonical(address: string): string {
  if (isIP(address) === 4 || address.includes('%')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
