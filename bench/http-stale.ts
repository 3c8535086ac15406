// How many requests of node:http fail because their server ended the connection they were given?
//
// Each of five pods closes a connection a moment after its response, and has not said that it would, as load balancers
// and servers with short timeouts do. Requests come one at a time, in distances of about that moment, so that some
// meet the close.

import { once } from 'node:events';
import { Agent } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedHttpAgent } from '../src/http.ts';
import { KeepAliveAgent, sendBy } from './support/http-calling.ts';
import { flatOut } from './support/load.ts';
import { loopbackAddresses } from './support/loopback.ts';
import { progress, report } from './support/report.ts';

const PODS = 5;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, requests: { type: 'string', default: '10000' } },
});

if (isMainThread) await compare();
else await serve(workerData as readonly string[]);

async function compare(): Promise<void> {
  const addresses = loopbackAddresses(PODS);
  // In a thread of its own: a close and the next request cross on the way.
  const worker = new Worker(new URL(import.meta.url), { workerData: addresses });
  const [port] = (await once(worker, 'message')) as [number];
  const endpoints = addresses.map((address) => ({ address, port }));
  const agents: Record<string, Agent> = {
    evenkeel: new BalancedHttpAgent({ discovery: staticResolver(endpoints) }),
    'Node’s agent': new Agent({ keepAlive: true }),
    agentkeepalive: new KeepAliveAgent(),
  };
  const requests = Number(args.requests);
  for (const [name, agent] of Object.entries(agents)) {
    progress(`http-stale: ${name}`);
    const failures: Record<string, number> = {};
    await flatOut(
      async () => {
        await sendBy({ host: addresses[0]!, port, agent }).catch(({ code }: NodeJS.ErrnoException) => {
          failures[code!] = (failures[code!] ?? 0) + 1;
        });
      },
      requests,
      1,
    );
    agent.destroy();
    const failed = Object.values(failures).reduce((sum, each) => sum + each, 0);
    report({
      bench: 'http-stale',
      case: name,
      value: failed,
      bar: name === 'evenkeel' ? { atMost: 0 } : undefined,
      text: `${failed} of ${requests} GETs failed ${JSON.stringify(failures)}`,
      detail: { failures, requests },
    });
  }
  await worker.terminate();
}

async function serve(addresses: readonly string[]): Promise<void> {
  let port = 0;
  for (const address of addresses) {
    const server = createServer((socket) => answer(socket)).listen(port, address);
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  }
  parentPort!.postMessage(port);
}

/** Answers the first request, and closes right behind the answer to the second. */
function answer(socket: Socket): void {
  let requests = 0;
  socket.on('error', () => {});
  socket.on('data', () => {
    socket.write(ANSWER);
    if (++requests === 2) void delay(0).then(() => socket.destroy());
  });
}
