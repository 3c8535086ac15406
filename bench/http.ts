// What does a request of node:http cost the process, compared with Node's own keep-alive agent?
//
// One nginx process stands behind all addresses. Node's agent and agentkeepalive speak to one of them; evenkeel spreads
// over five. `control` is one more agent of Node's: how far it strays from 1 is the noise. `a bare agent` does the least
// that a balancer has to do: no agent can cost much less. Each has a process of its own.
//
// --concurrency N   one of the cases alone

import { parseArgs } from 'node:util';
import { startNginx } from './support/nginx.ts';
import { interleaveProcesses } from './support/own-process.ts';
import { report } from './support/report.ts';
import { median, ratios, type Spread } from './support/statistics.ts';

const CASES = [
  { concurrency: 1, requests: 4_000, turns: 8, atMost: 0.95 },
  { concurrency: 20, requests: 8_000, turns: 4, atMost: 0.8 },
  { concurrency: 100, requests: 8_000, turns: 4, atMost: 0.8 },
];

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    concurrency: { type: 'string' },
    rounds: { type: 'string', default: '25' },
  },
});

const nginx = await startNginx({ addresses: 5 });
const { endpoints } = nginx;
const CALLERS = ['evenkeel', 'stock', 'agentkeepalive', 'stock', 'bare'] as const;

for (const each of CASES) {
  if (args.concurrency === undefined || Number(args.concurrency) === each.concurrency) await compare(each);
}
nginx.stop();

async function compare({ concurrency, requests, turns, atMost }: (typeof CASES)[number]): Promise<void> {
  const work = { requests: requests / turns, concurrency };
  const callers = CALLERS.map((name) => ({ name, api: 'http' as const, endpoints }));
  const options = { title: `http, concurrency ${concurrency}`, rounds: Number(args.rounds), turns };
  const costs = await interleaveProcesses(callers, work, options);

  const cpu = costs.map((rounds) => rounds.map((cost) => cost.cpu));
  const micros = cpu.map((times) => (median(times) * 1_000) / requests);
  const [, node, keepAlive] = cpu.map((times) => ratios(cpu[0]!, times));
  const noise = ratios(cpu[3]!, cpu[1]!);
  const floor = ratios(cpu[4]!, cpu[1]!);
  report({
    bench: 'http',
    case: `CPU a request, concurrency ${concurrency}`,
    value: node!.median,
    bar: { atMost },
    text:
      `${inWords(node!)} times that of Node’s agent, ${inWords(keepAlive!)} times agentkeepalive’s; ` +
      `a bare agent ${inWords(floor)} times Node’s, control ${inWords(noise)}; ` +
      `${micros.map((each) => each.toFixed(1)).join(' / ')} µs`,
    detail: { node, keepAlive, floor, noise, micros },
  });
}

function inWords({ median: middle, low, high }: Spread): string {
  return `${middle.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
