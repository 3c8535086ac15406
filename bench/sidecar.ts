// What does a proxy beside the app cost, over balancing in the app?
//
// The same requests to the same five servers, one nginx process, through each in turns: as fast as they go for
// the requests a second, and at one even rate for the latencies. All share this machine, as sidecars share a node.

import { parseArgs } from 'node:util';
import { Agent, type Dispatcher } from 'undici';
import { BalancedAgent } from '../src/agent.ts';
import { staticResolver } from '../src/discovery/static.ts';
import { startStaticHaproxy, startStaticNginxProxy } from './support/comparison/sidecars.ts';
import { flatOut, steadily } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { progress, report } from './support/report.ts';
import { interleave } from './support/rounds.ts';
import { quantile, ratios } from './support/statistics.ts';

const CONCURRENCY = 50;
const REQUESTS = 3_000;
const TURNS = 2;
const WARM_UP = 5;
/** Requests a second at which latencies are compared, and seconds that a turn of that takes. */
const RATE = 3_000;
const STEADY = 0.5;
/** How many times the requests a second of HAProxy's. */
const BAR = 1.4;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '25' } },
});

const servers = await startNginx({ addresses: 5 });
const { addresses, port } = servers;
const [haproxy, nginx] = await Promise.all([
  startStaticHaproxy(addresses, port),
  startStaticNginxProxy(addresses, port),
]);
const endpoints = addresses.map((address) => ({ address, port }));
const ways = [
  way(
    'evenkeel',
    new BalancedAgent({ discovery: staticResolver(endpoints) }),
    `http://${addresses[0]}:${port}`,
  ),
  way('HAProxy', new Agent(), haproxy.origin),
  way('nginx', new Agent(), nginx.origin),
];

const costs = await interleave(
  ways.map(({ name, send }) => ({ name, turn: () => flatOut(send, REQUESTS, CONCURRENCY) })),
  { title: 'sidecar', rounds: Number(args.rounds), warmUp: WARM_UP, turns: TURNS },
);

const rounds = Number(args.rounds);
for (const way of ways) way.latencies.length = 0;
for (let round = 0; round < rounds; round++) {
  progress(`sidecar: latencies, round ${round + 1} of ${rounds}`);
  for (const { send } of round % 2 === 0 ? ways : ways.toReversed()) await steadily(send, RATE, STEADY);
}
const [ours, ...others] = ways.map(({ name, latencies }, index) => ({
  name,
  times: costs[index]!.map(({ wall }) => wall),
  p50: quantile(latencies, 0.5),
  p99: quantile(latencies, 0.99),
}));
for (const other of others) {
  const { median, low, high } = ratios(other.times, ours!.times);
  const bar = other.name === 'HAProxy';
  report({
    bench: 'sidecar',
    case: `over ${other.name}, requests/s`,
    value: median,
    bar: bar ? { atLeast: BAR } : undefined,
    text: `${median.toFixed(2)} times (${low.toFixed(2)}–${high.toFixed(2)}) as many at concurrency ${CONCURRENCY}`,
  });
  for (const quantile of ['p50', 'p99'] as const) {
    const ratio = ours![quantile] / other[quantile];
    report({
      bench: 'sidecar',
      case: `over ${other.name}, ${quantile}`,
      value: ratio,
      bar: bar ? { atMost: 1 } : undefined,
      text: `${ours![quantile].toFixed(2)} ms against ${other[quantile].toFixed(2)} ms at ${RATE} requests/s`,
      detail: { evenkeel: ours![quantile], [other.name]: other[quantile] },
    });
  }
}
await Promise.all(ways.map(({ dispatcher }) => dispatcher.close()));
for (const { stop } of [haproxy, nginx, servers]) stop();

function way(name: string, dispatcher: Dispatcher, origin: string) {
  const latencies: number[] = [];
  const send = async () => {
    const startedAt = performance.now();
    const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
    await body.text();
    latencies.push(performance.now() - startedAt);
  };
  return { name, dispatcher, send, latencies };
}
