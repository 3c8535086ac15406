// What is left of requests of node:http that were cut off, by their servers or by their callers?
//
// 100,000 requests, of which one in twenty is reset or aborted, and 10,000 with `agent: false`, whose agents are made for
// one request each. Then the heap may not have grown, and no socket, timer or listener may be left.

import { once } from 'node:events';
import http, { Agent } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedHttpAgent } from '../src/http.ts';
import { install, uninstall } from '../src/index.ts';
import { flatOut } from './support/load.ts';
import { loopbackAddresses } from './support/loopback.ts';
import { progress, report } from './support/report.ts';

const PODS = 5;
const CONCURRENCY = 50;
/** Of these, one in twenty is cut off. */
const CUT = 0.05;
const MB = 2 ** 20;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    requests: { type: 'string', default: '100000' },
    single: { type: 'string', default: '10000' },
  },
});

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const addresses = loopbackAddresses(PODS);
let port = 0;
for (const address of addresses) {
  const server = createServer((socket) => {
    // What holds the process is the other end, if anything.
    socket.unref();
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (data.toString().includes('/reset')) socket.resetAndDestroy();
      else if (!data.toString().includes('/hang')) socket.write(ANSWER);
    });
  });
  server.listen(port, address).unref();
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
}
const options = { discovery: staticResolver(addresses.map((address) => ({ address, port }))) };

const byHand = new BalancedHttpAgent(options);
await measure('by hand', Number(args.requests), { agent: byHand });
byHand.destroy();

install(options);
const stock = new Agent({ keepAlive: true });
await measure('preloaded', Number(args.requests), { agent: stock });
await measure('preloaded, agent: false', Number(args.single), { agent: false });
stock.destroy();
await uninstall();
process.exit();

async function measure(name: string, requests: number, given: { agent: Agent | false }): Promise<void> {
  progress(`http-leftovers: ${name}`);
  const send = () => sendOne(given);
  await flatOut(send, requests / 10, CONCURRENCY);
  const before = await heap();
  await flatOut(send, requests, CONCURRENCY);
  const grown = (await heap()) - before;
  report({
    bench: 'http-leftovers',
    case: `${name}: heap`,
    value: grown / MB,
    bar: { atMost: 1 },
    text: `${(grown / MB).toFixed(2)} MB more after ${requests} requests; ${warnings.length} warnings ${warnings.slice(0, 2)}`,
    detail: { grown, requests, warnings },
  });
  report({
    bench: 'http-leftovers',
    case: `${name}: left over`,
    value: left(),
    bar: { atMost: 0 },
    text: `${left()} sockets and timers that hold the process`,
  });
}

/** Ends when the request has closed, however it ended. */
function sendOne({ agent }: { agent: Agent | false }): Promise<void> {
  return new Promise((resolve) => {
    const chance = Math.random();
    const path = chance < CUT / 2 ? '/reset' : chance < CUT ? '/hang' : '/';
    const request = http.get({ host: addresses[0]!, port, path, agent }, (response) => response.resume());
    request.on('error', () => {});
    request.on('close', resolve);
    if (path === '/hang') setTimeout(() => request.destroy(), Math.random() * 5);
  });
}

async function heap(): Promise<number> {
  // What closes needs turns of the loop to be gone.
  await delay(500);
  gc();
  await delay(100);
  gc();
  return process.memoryUsage().heapUsed;
}

/** What Node counts as alive beyond the pods themselves, which are unref'd, and idle connections, which are as well. */
function left(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'Timeout')
    .length;
}
