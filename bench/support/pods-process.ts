import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PodAnswer, PodCounters, PodsConfig } from './pods.ts';

process.once('disconnect', () => process.exit());

const counters: Record<string, PodCounters> = {};

process.once('message', async ({ addresses, tls, delays, identified }: PodsConfig) => {
  let port = 0;
  for (const [n, address] of addresses.entries()) {
    port = await startPod(address, port, tls, delays[n]!, identified);
  }
  process.send!(port);
  process.on('message', () => process.send!(counters));
});

async function startPod(
  address: string,
  port: number,
  tls: PodsConfig['tls'],
  delay: number,
  identified: boolean,
): Promise<number> {
  const counter: PodCounters = { requests: 0, connections: 0, handshakes: 0, resumed: 0 };
  counters[address] = counter;
  const connectedAt = new WeakMap<Socket, string>();
  const named = new WeakSet<Socket>();
  const answer: RequestListener = (request, response) => {
    counter.requests++;
    const body: PodAnswer = { address, connectedAt: connectedAt.get(request.socket)! };
    if (identified && !named.has(request.socket)) response.setHeader('evenkeel-pod', address);
    named.add(request.socket);
    const end = () => response.end(JSON.stringify(body));
    if (delay === 0) end();
    else setTimeout(end, delay * (0.5 + Math.random()));
  };
  const server = tls ? createHttpsServer(tls, answer) : createHttpServer(answer);
  server.on('connection', () => counter.connections++);
  server.on('secureConnection', (socket: TLSSocket) => {
    counter.handshakes++;
    if (socket.isSessionReused()) counter.resumed++;
  });
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connectedAt.set(socket, String(process.hrtime.bigint()));
  });
  server.listen(port, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
