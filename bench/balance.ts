// How even are the shares of five addresses?
//
// One nginx answers with the address that it was asked at.

import { parseArgs } from 'node:util';
import type { Dispatcher } from 'undici';
import { BalancedAgent } from '../src/agent.ts';
import { staticResolver } from '../src/discovery/static.ts';
import { flatOut } from './support/load.ts';
import { type Nginx, startNginx } from './support/nginx.ts';
import { progress, report } from './support/report.ts';

const REQUESTS = 10_000;
const ADDRESSES = 5;
/** Largest deviation from the fair share, in per cent of it. */
const BARS = {
  'round-robin': { 1: 1, 50: 1 },
  'least-request': { 1: 1, 50: 3 },
} as const;

const APIS = {
  request: async (agent: Dispatcher, origin: string) =>
    (await agent.request({ origin, path: '/address', method: 'GET' })).body.text(),
  // The types of built-in fetch know the dispatchers of the undici inside Node only.
  fetch: async (dispatcher: Dispatcher, origin: string) =>
    (await fetch(`${origin}/address`, { dispatcher } as unknown as RequestInit)).text(),
};

parseArgs({ options: { json: { type: 'boolean' } } });
const nginx = await startNginx({ addresses: ADDRESSES });
for (const policy of ['round-robin', 'least-request'] as const) {
  for (const api of ['request', 'fetch'] as const) {
    for (const concurrency of [1, 50] as const) await shares(nginx, policy, api, concurrency);
  }
}
nginx.stop();

async function shares(
  { addresses, port }: Nginx,
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
    const address = await APIS[api](agent, origin);
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
