import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { nextAddress } from './pods.ts';

interface Addressed {
  readonly endpoint: EndpointAddress;
}

/**
 * One address that passes each connection to a pod: what kube-proxy does. To all of them in turn, unless `random` says
 * to which.
 */
export async function startVirtualIp(
  t: TestContext,
  pods: readonly Addressed[],
  random?: () => number,
): Promise<Addressed> {
  const sockets = new Set<Socket>();
  let turn = 0;
  // A kernel that translates addresses holds nothing up.
  const server = createServer({ noDelay: true }, (client) => {
    const index = random === undefined ? turn++ % pods.length : Math.floor(random() * pods.length);
    const { address, port } = pods[index]!.endpoint;
    const upstream = connect({ port, host: address, noDelay: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from) && to.destroy());
    }
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { address, port } = server.address() as AddressInfo;
  return { endpoint: { address, port } };
}
