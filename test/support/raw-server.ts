// Servers of bytes, for what no HTTP server does.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { nextAddress } from './pods.ts';

export interface RawServer {
  readonly endpoint: EndpointAddress;
  /** All connections that it ever took. */
  readonly sockets: readonly Socket[];
}

/** A server that does with each connection what it is told; nothing by default. */
export async function startRawServer(
  t: TestContext,
  onConnection: (socket: Socket) => void = () => {},
): Promise<RawServer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onConnection(socket);
  }).listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  return { endpoint: { address, port }, sockets };
}

/**
 * A server that stands before another one.
 *
 * @param back how bytes of the other one come to a client; by default, as they are
 */
export async function startRelay(
  t: TestContext,
  { address, port }: EndpointAddress,
  back: (upstream: Socket, client: Socket) => void = (upstream, client) => void upstream.pipe(client),
): Promise<RawServer & { freeze(): void }> {
  const upstreams: Socket[] = [];
  let frozen = false;
  const server = await startRawServer(t, (client) => {
    if (frozen) return;
    const upstream = connect({ port, host: address, noDelay: true }).on('error', () => {});
    upstreams.push(upstream);
    client.setNoDelay().pipe(upstream);
    back(upstream, client);
  });
  t.after(() => {
    for (const upstream of upstreams) upstream.destroy();
  });
  return {
    ...server,
    /** From now on, it takes connections, and nothing passes. */
    freeze() {
      frozen = true;
      for (const socket of [...server.sockets, ...upstreams]) socket.unpipe().pause();
    },
  };
}
