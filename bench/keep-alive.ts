// One pod of five says how long it keeps idle connections, in any way: what becomes of the others' share, and of dials?
//
// The pods keep connections as Node does, 5 s, and say so, but for one with a hint of its own; or all have the same. undici
// closes a connection after its response where the hint is 2 s or less, which forces a dial for each request to that pod.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { flatOut, steadily } from './support/load.ts';
import { loopbackAddresses } from './support/loopback.ts';
import { progress, report } from './support/report.ts';

const HINTS = [
  'timeout=0',
  'timeout=1',
  'timeout=2',
  'timeout=3',
  'timeout=75',
  'timeout=99999999999',
  'max=5',
  '?',
];
const PODS = 5;
/** How far a pod may be from its share, and how many times the dials that hints force. */
const FARTHEST = 0.1;
const MOST_DIALS = 1.2;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, requests: { type: 'string', default: '600' } },
});
const requests = Number(args.requests);

const LOADS = [
  { name: 'one after another', run: (send: () => Promise<unknown>) => flatOut(send, requests, 1) },
  { name: 'ten at once', run: (send: () => Promise<unknown>) => flatOut(send, requests * 2, 10) },
  { name: '50 a second', run: (send: () => Promise<unknown>) => steadily(send, 50, requests / 100) },
];

for (const hint of HINTS) await measure(`one says ${hint}`, (n) => (n === 0 ? hint : 'timeout=5'));
await measure('all say timeout=2', () => 'timeout=2');

async function measure(name: string, hintOf: (n: number) => string): Promise<void> {
  for (const load of LOADS) {
    progress(`keep-alive: ${name}, ${load.name}`);
    const pods = await startPods(hintOf);
    const agent = new BalancedAgent({ discovery: staticResolver(pods.map(({ endpoint }) => endpoint)) });
    await load.run(async () => {
      const { body } = await agent.request({ origin: 'http://orders.prod', path: '/', method: 'GET' });
      await body.dump();
    });
    const total = pods.reduce((sum, pod) => sum + pod.requests, 0);
    const farthest = Math.max(...pods.map((pod) => Math.abs((pod.requests * PODS) / total - 1)));
    const dials = pods.reduce((sum, pod) => sum + pod.dials, 0);
    // One for each request where connections don't last; and those that are in use at once, to the others.
    const forced = pods.reduce((sum, pod, n) => sum + (isShort(hintOf(n)) ? pod.requests : pod.most), 0);
    report({
      bench: 'keep-alive',
      case: `${name}, ${load.name}: shares`,
      value: farthest,
      bar: { atMost: FARTHEST },
      text: `${pods.map((pod) => pod.requests).join(' / ')}`,
    });
    report({
      bench: 'keep-alive',
      case: `${name}, ${load.name}: dials`,
      value: dials / forced,
      bar: { atMost: MOST_DIALS },
      text: `${dials}, forced ${forced}`,
    });
    await agent.close();
    for (const pod of pods) pod.stop();
  }
}

function isShort(hint: string): boolean {
  return Number(/timeout=(\d+)/.exec(hint)?.[1] ?? 5) <= 2;
}

async function startPods(hintOf: (n: number) => string) {
  const pods = [];
  for (const [n, address] of loopbackAddresses(PODS).entries()) {
    let busy = 0;
    const pod = { endpoint: { address, port: 0 }, requests: 0, dials: 0, most: 0, stop: () => {} };
    const server = createServer((_request, response) => {
      pod.requests++;
      pod.most = Math.max(pod.most, ++busy);
      response.once('close', () => busy--);
      setTimeout(
        () => response.setHeader('keep-alive', hintOf(n)).setHeader('connection', 'keep-alive').end('ok'),
        2,
      );
    });
    server.on('connection', () => pod.dials++);
    server.listen(0, address);
    await once(server, 'listening');
    pod.endpoint.port = (server.address() as AddressInfo).port;
    pod.stop = () => {
      server.close();
      server.closeAllConnections();
    };
    pods.push(pod);
  }
  return pods;
}
