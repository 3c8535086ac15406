// A pod in a thread of its own, which goes on while the test's is blocked. It closes idle connections soon, or so
// many milliseconds after it is sent a number, of which it says nothing beforehand. Tells its port.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface HastyPodData {
  /** Milliseconds; 0: it closes none by itself. */
  readonly idleTimeout: number;
  /** Shared: how many connections that have had a request are open, and how many there have been. */
  readonly open: Int32Array;
}

const { idleTimeout, open } = workerData as HastyPodData;
const used = new Set<Socket>();
const busy = new Set<Socket>();

const server = createServer((request, response) => {
  const { socket } = request;
  count(socket);
  busy.add(socket);
  socket.setTimeout(0);
  // Named by hand, the connection comes without a Keep-Alive header. Nobody listens for the timeout, so the
  // server destroys the socket.
  response.once('close', () => {
    busy.delete(socket);
    socket.setTimeout(idleTimeout);
  });
  request.resume().once('end', () => response.writeHead(200, { connection: 'keep-alive' }).end('ok'));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
parentPort!.postMessage((server.address() as AddressInfo).port);

parentPort!.on('message', (delay: number) => {
  setTimeout(() => {
    for (const socket of used) if (!busy.has(socket)) socket.destroy();
  }, delay);
});

function count(socket: Socket): void {
  if (used.has(socket)) return;
  used.add(socket);
  Atomics.add(open, 0, 1);
  Atomics.add(open, 1, 1);
  Atomics.notify(open, 1);
  socket.once('close', () => {
    used.delete(socket);
    Atomics.sub(open, 0, 1);
    Atomics.notify(open, 0);
  });
}
