// A pod in a thread of its own, which goes on while the test's is blocked. It closes idle connections after
// `workerData` milliseconds, of which it says nothing. Tells its port.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const server = createServer((request, response) => {
  const { socket } = request;
  socket.setTimeout(0);
  // Named by hand, the connection comes without a Keep-Alive header. Nobody listens for the timeout, so the
  // server destroys the socket.
  response.once('close', () => socket.setTimeout(workerData as number));
  request.resume().once('end', () => response.writeHead(200, { connection: 'keep-alive' }).end('ok'));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
parentPort!.postMessage((server.address() as AddressInfo).port);
