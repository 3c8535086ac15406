import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { addresses, gate } = workerData as { addresses: string[]; gate: Int32Array };
/** Milliseconds after which what is sent has arrived, on one machine. */
const ARRIVED = 20;

const sessions = new Set<ServerHttp2Session>();
const ports: number[] = [];

for (const address of addresses) {
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, address.length]), Buffer.from(address)]);
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => {});
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(message);
  });
  server.listen(ports[0] ?? 0, address, () => {
    ports.push((server.address() as AddressInfo).port);
    if (ports.length === addresses.length) parentPort!.postMessage(ports);
  });
}

/** Takes nothing more on the connections that there are, and says so. */
parentPort!.on('message', () => {
  for (const session of sessions) session.goaway(0);
  setTimeout(() => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  }, ARRIVED);
});
