import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** `count` loopback addresses, in a network drawn at random, so that runs side by side stay apart. */
export function loopbackAddresses(count: number): string[] {
  const network = 16 + Math.floor(Math.random() * 200);
  return Array.from({ length: count }, (_, i) => `127.${network}.${i >> 7}.${1 + (i & 127)}`);
}

/** A port that was free on `address` a moment ago. */
export async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
