// What does a request cost the process, compared with a stock undici Agent?
//
// One nginx process stands behind all addresses. Stock speaks to one origin; evenkeel spreads over five
// addresses of the same nginx. `control` is one more stock Agent: how far it strays from 1 is the noise. Each has a
// process of its own.
// Built-in fetch takes stock Agents by way of Dispatcher1Wrapper, as undici's setGlobalDispatcher does.
//
// --only ours|stock --api request|fetch --concurrency N --seconds S   one of them alone, for a profiler
// --profile FILE                                                      writes a CPU profile of that

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Agent } from 'undici';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { type Api, CASES, type Case, sender } from './support/calling.ts';
import { flatOutFor } from './support/load.ts';
import { type Nginx, startNginx } from './support/nginx.ts';
import { interleaveProcesses } from './support/own-process.ts';
import { startProfiler } from './support/profiler.ts';
import { report } from './support/report.ts';
import type { Cost } from './support/rounds.ts';
import { median, ratios, type Spread } from './support/statistics.ts';

/** Milliseconds. */
const WARM_UP = 1_000;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    api: { type: 'string' },
    concurrency: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    profile: { type: 'string' },
    rounds: { type: 'string', default: '25' },
  },
});

const nginx = await startNginx({ addresses: 5 });
const { endpoints, origin } = nginx;
const cases = CASES.filter(
  ({ api, concurrency }) =>
    (args.api === undefined || api === args.api) &&
    (args.concurrency === undefined || concurrency === Number(args.concurrency)),
);
if (args.only !== undefined) await runAlone(args.only, (args.api ?? 'request') as Api);
else for (const each of cases) await compare(each);
nginx.stop();

async function compare({ api, concurrency, requests, turns, atLeast }: Case): Promise<void> {
  const title = `${api}, concurrency ${concurrency}`;
  const work = { requests: requests / turns, concurrency };
  const callers = (['evenkeel', 'stock', 'stock'] as const).map((name) => ({ name, api, endpoints }));
  const options = { title, rounds: Number(args.rounds), turns };
  const costs = await interleaveProcesses(callers, work, options);

  const [cpu, wall] = (['cpu', 'wall'] as const).map((kind) => costs.map((cost) => cost.map((c) => c[kind])));
  const [ourCpu, stockCpu, controlCpu] = cpu as [number[], number[], number[]];
  const ratio = ratios(stockCpu, ourCpu);
  const control = ratios(stockCpu, controlCpu);
  const rate = ratios(wall![1]!, wall![0]!);
  const [each, stockEach] = costs.map((cost) => perRequest(cost, requests));
  report({
    bench: 'throughput',
    case: title,
    value: ratio.median,
    bar: { atLeast },
    text:
      `CPU ${inWords(ratio)}, control ${inWords(control)}; ${each!.cpu.toFixed(1)} µs against ` +
      `${stockEach!.cpu.toFixed(1)}; ${each!.rate.toFixed(0)} requests/s against ${stockEach!.rate.toFixed(0)}`,
    detail: { ratio, control, rate, ours: each, stock: stockEach, requests, rounds: Number(args.rounds) },
  });
}

async function runAlone(name: string, api: Api): Promise<void> {
  const agent = name === 'ours' ? ours(nginx) : new Agent();
  const concurrency = Number(args.concurrency ?? 1);
  const send = sender(api, agent, origin);
  await flatOutFor(WARM_UP, send, concurrency);
  const profiler = args.profile === undefined ? undefined : await startProfiler();
  const before = process.cpuUsage();
  const requests = await flatOutFor(Number(args.seconds) * 1000, send, concurrency);
  const { user, system } = process.cpuUsage(before);
  if (profiler !== undefined) writeFileSync(args.profile!, JSON.stringify(await profiler.stop()));
  await agent.close();
  const microseconds = (user + system) / requests;
  report({
    bench: 'throughput',
    case: `${name} alone: ${api}, concurrency ${concurrency}`,
    value: microseconds,
    text: `${microseconds.toFixed(1)} µs a request, ${requests} requests`,
    detail: { requests },
  });
}

function ours({ endpoints }: Nginx): BalancedAgent {
  return new BalancedAgent({
    discovery: staticResolver(endpoints),
  });
}

function perRequest(costs: readonly Cost[], requests: number): { cpu: number; rate: number } {
  const cpu = (median(costs.map((cost) => cost.cpu)) * 1000) / requests;
  return { cpu, rate: (requests * 1000) / median(costs.map((cost) => cost.wall)) };
}

function inWords({ median: middle, low, high }: Spread): string {
  return `${middle.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
