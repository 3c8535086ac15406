// How even are the shares of five addresses?
//
// Pods take a moment to answer, as pods do. Behind servers that answer in microseconds, least-request
// measures which of the busy sockets the kernel happens to name first: that runs to 5 % after 10,000 requests.

import { parseArgs } from 'node:util';
import type { Dispatcher } from 'undici';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { flatOut } from './support/load.ts';
import { type PodAnswer, type Pods, startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';

const REQUESTS = 10_000;
const ADDRESSES = 5;
/** Milliseconds that a pod takes to answer. */
const DELAY = 2;
/** Largest deviation from the fair share, in per cent of it. */
const BARS = {
  'round-robin': { 1: 1, 50: 1 },
  'least-request': { 1: 1, 50: 3 },
} as const;

const APIS = {
  request: async (agent: Dispatcher, origin: string) =>
    (await agent.request({ origin, path: '/', method: 'GET' })).body.json(),
  // The types of built-in fetch know the dispatchers of the undici inside Node only.
  fetch: async (dispatcher: Dispatcher, origin: string) =>
    (await fetch(origin, { dispatcher } as unknown as RequestInit)).json(),
};

parseArgs({ options: { json: { type: 'boolean' } } });
const pods = await startPods({ count: ADDRESSES, delay: DELAY });
for (const policy of ['round-robin', 'least-request'] as const) {
  for (const api of ['request', 'fetch'] as const) {
    for (const concurrency of [1, 50] as const) await shares(pods, policy, api, concurrency);
  }
}
pods.stop();

async function shares(
  { addresses, port }: Pods,
  policy: keyof typeof BARS,
  api: keyof typeof APIS,
  concurrency: 1 | 50,
): Promise<void> {
  const title = `${policy}, ${api}, concurrency ${concurrency}`;
  progress(title);
  const agent = new BalancedAgent({
    policy,
    discovery: staticResolver(addresses.map((address) => ({ address, port }))),
  });
  const counts = new Map(addresses.map((address) => [address, 0]));
  const origin = `http://${addresses[0]}:${port}`;
  const send = async () => {
    const { address } = (await APIS[api](agent, origin)) as PodAnswer;
    counts.set(address, counts.get(address)! + 1);
  };
  await flatOut(send, REQUESTS, concurrency);
  await agent.close();

  const fair = REQUESTS / ADDRESSES;
  const served = [...counts.values()];
  const deviation = (Math.max(...served.map((count) => Math.abs(count - fair))) / fair) * 100;
  report({
    bench: 'balance',
    case: title,
    value: deviation,
    bar: { atMost: BARS[policy][concurrency] },
    text: `${served.join(' ')}: ${deviation.toFixed(2)} % off at most`,
    detail: { counts: served },
  });
}
