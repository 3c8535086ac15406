import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

// By Node itself: an import of the module would load all of its parts, built-in undici among them, for each pod.
const { createServer } = process.getBuiltinModule('node:http');
const { address, port, closes, gate } = workerData as {
  address: string;
  port: number;
  closes: boolean;
  gate: Int32Array;
};

const server = createServer((request, response) => {
  if (closes) response.setHeader('connection', 'close');
  if (request.url === '/') response.end(address);
  if (request.url === '/slow') setTimeout(() => response.end(address), 1_500);
});

server.listen({ port, host: address, backlog: 1 }, () => {
  const { port } = server.address() as AddressInfo;
  parentPort!.postMessage({ address, port });
});

parentPort!.on('message', () => {
  Atomics.store(gate, 0, 0);
  parentPort!.postMessage('stopped');
  Atomics.wait(gate, 0, 0);
});
