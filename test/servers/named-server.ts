// Starts servers, and says in JSON how the first two responses of a connection to each name this process: in this thread, in another
// thread, and in a process of node:cluster. Knows nothing of evenkeel.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const server = createServer((_request, response) => void response.end());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const here = [await nameOf(), await nameOf()];
agent.destroy();
server.close();

if (!isMainThread) {
  parentPort!.postMessage(here);
} else if (cluster.isPrimary) {
  const [thread] = await once(new Worker(new URL(import.meta.url)), 'message');
  const [process] = await once(cluster.fork(), 'message');
  console.log(JSON.stringify({ here, thread, process }));
  cluster.disconnect();
} else {
  process.send!(here);
}

async function nameOf(): Promise<unknown> {
  const [response] = (await once(get({ host: '127.0.0.1', port, agent }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.headers['evenkeel-pod'] ?? null;
}
