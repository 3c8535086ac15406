// How much of a request's CPU is evenkeel's own?
//
// npm run bench -- share [--of REV] [--pods nginx,node] [--concurrency N] [--seconds S] [--passes P] [--rows R]
// npm run bench -- share --perf [--pods …] [--concurrency N] [--passes P] [--rows R]
//
// The build as it is published, or that of another revision, calls five pods with undici's `request` under a profiler.
// Its share is the self time of its functions in all the time that the process was not idle: undici, Node, the kernel
// and the garbage collector have the rest. Beside it, by turns, is what no balancer does without: the pod with the
// fewest requests is found, and told of the end of each.
//
// It is measured with pods of two kinds, because it depends on them. nginx answers at once, and says little. Pods made by
// Node take as long for a request as this process does, and their responses have more headers, so that undici and the
// kernel have more to do for each request.
//
// V8's own profiler samples where signals arrive. On virtual machines that may be at the ends of system calls, whoever
// has used the time before. `--perf` asks Linux's perf, which sees the kernel and all threads; the code runs from its
// sources then, in a process of its own, a new one for each pass. What V8 has inlined counts as the function around it.

import type { Profiler } from 'node:inspector';
import { parseArgs } from 'node:util';
import type { Dispatcher } from 'undici';
import { BareBalancer } from './support/bare-balancer.ts';
import { CASES, type Case, sender } from './support/calling.ts';
import { flatOutFor } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { inOwnProcess, WARM_UP as REQUESTS_TO_WARM_UP } from './support/own-process.ts';
import { hasPerf, PERF_OPTION, sample } from './support/perf.ts';
import { startPods } from './support/pods.ts';
import { startProfiler } from './support/profiler.ts';
import { progress, report } from './support/report.ts';
import { build, type Revision } from './support/revision.ts';
import { spread } from './support/statistics.ts';

/** Milliseconds. */
const WARM_UP = 1_000;
/** Microseconds between two samples. */
const INTERVAL = 250;
const LONGEST = 2 * INTERVAL;
const BAR = 0.04;
/** How the names of the files begin of the balancer that does no more than it must. */
const BARE = import.meta.resolve('./support/bare-');

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    of: { type: 'string' },
    pods: { type: 'string', default: 'nginx,node' },
    concurrency: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    passes: { type: 'string', default: '11' },
    rows: { type: 'string', default: '0' },
    perf: { type: 'boolean' },
  },
});

if (args.perf && args.of !== undefined) {
  console.error('share: --perf measures the working tree, not another revision');
  process.exit(2);
}
if (args.perf && !hasPerf()) {
  console.error('share: needs Linux’s perf, and the right to use it (kernel.perf_event_paranoid)');
  process.exit(1);
}
if (!args.perf) progress(`share: building ${args.of ?? 'this'}`);
const revision = args.perf ? undefined : await build(args.of);
const concurrencies = args.concurrency === undefined ? [1, 100] : [Number(args.concurrency)];
const cases = CASES.filter(
  ({ api, concurrency }) => api === 'request' && concurrencies.includes(concurrency),
);
for (const kind of args.pods.split(',')) {
  const pods = await start(kind);
  for (const each of cases) await (revision ? measure(revision, each, pods) : measureByPerf(each, pods));
  pods.stop();
}

/** Five pods, which all have one port. */
interface Pods {
  /** What made them, if it was not nginx; for the names of rows. */
  readonly maker: string;
  readonly endpoints: readonly { address: string; port: number }[];
  readonly origin: string;
  stop(): void;
}

async function start(kind: string): Promise<Pods> {
  if (kind === 'nginx') return { maker: '', ...(await startNginx({ addresses: 5 })) };
  const { addresses, port, stop } = await startPods({ count: 5 });
  const endpoints = addresses.map((address) => ({ address, port }));
  return { maker: ', pods made by Node', endpoints, origin: `http://${addresses[0]}:${port}`, stop };
}

interface Contestant {
  readonly name: string;
  readonly agent: Dispatcher;
  /** Where its code is. */
  readonly url: string;
  readonly bar: { atMost: number } | undefined;
  readonly shares: number[];
  /** What each function has, over all passes. */
  readonly times: Map<string, number>;
}

async function measure(
  { name, url, package: { BalancedAgent, staticResolver } }: Revision,
  { api, concurrency }: Case,
  { maker, endpoints, origin }: Pods,
): Promise<void> {
  const title = `${api}, concurrency ${concurrency}${maker}`;
  const contestant = (name: string, agent: Dispatcher, url: string, bar?: Contestant['bar']): Contestant => {
    return { name, agent, url, bar, shares: [], times: new Map() };
  };
  const contestants = [
    contestant(name, new BalancedAgent({ discovery: staticResolver(endpoints) }), url, { atMost: BAR }),
    contestant('a bare balancer', new BareBalancer(endpoints), BARE),
  ];
  for (let pass = -1; pass < Number(args.passes); pass++) {
    progress(`share: ${title}, pass ${pass + 1} of ${args.passes}`);
    for (const each of contestants) {
      const send = sender(api, each.agent, origin);
      // The first pass warms up.
      if (pass === -1) await flatOutFor(WARM_UP, send, concurrency);
      else await profile(each, send, concurrency);
    }
  }
  for (const each of contestants) {
    await each.agent.close();
    tell(title, each);
  }
}

function tell(title: string, { name, bar, shares, times }: Omit<Contestant, 'agent' | 'url'>): void {
  const { median, low, high } = spread(shares);
  report({
    bench: 'share',
    case: `${title}${bar === undefined ? `, ${name}` : ''}`,
    value: median,
    ...(bar && { bar }),
    text: `${percent(median)} of the CPU (${percent(low)}–${percent(high)})`,
    detail: { of: name, shares },
  });
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, Number(args.rows));
  if (rows.length > 0)
    console.table(rows.map(([name, share]) => ({ function: name, share: percent(share) })));
}

async function measureByPerf({ api, concurrency }: Case, { maker, endpoints }: Pods): Promise<void> {
  const title = `${api}, concurrency ${concurrency}${maker}, by perf`;
  const contestants: (Omit<Contestant, 'agent' | 'name'> & { name: 'evenkeel' | 'bare' })[] = [
    { name: 'evenkeel', url: pathOf('../src/'), bar: { atMost: BAR }, shares: [], times: new Map() },
    { name: 'bare', url: pathOf('./support/bare-'), bar: undefined, shares: [], times: new Map() },
  ];
  const work = { requests: REQUESTS_TO_WARM_UP, concurrency };
  for (let pass = 0; pass < Number(args.passes); pass++) {
    progress(`share: ${title}, pass ${pass + 1} of ${args.passes}`);
    for (const { name, url, shares, times } of contestants) {
      const caller = await inOwnProcess({ name, api, endpoints }, work, [PERF_OPTION]);
      await caller.turn();
      const samples = await sample(caller.pid, async () => {
        await caller.turn();
        await caller.turn();
      });
      caller.stop();
      shares.push(shareOfSamples(url, samples, times));
    }
  }
  for (const each of contestants) tell(title, each);
}

function pathOf(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

/** The share of samples in functions of files whose paths begin so; adds what each has to `times`. */
function shareOfSamples(path: string, samples: readonly string[], times: Map<string, number>): number {
  let own = 0;
  for (const line of samples) {
    const [, name, file, row] = /JS:[*+^~]*'?(\S*) file:\/\/(\S+?):(\d+)/.exec(line) ?? [];
    if (file === undefined || !file.startsWith(path)) continue;
    own++;
    const key = `${name || '(anonymous)'}:${row}`;
    times.set(key, (times.get(key) ?? 0) + 1 / samples.length / Number(args.passes));
  }
  return own / samples.length;
}

async function profile(
  { url, shares, times }: Contestant,
  send: () => Promise<unknown>,
  concurrency: number,
): Promise<void> {
  const profiler = await startProfiler(INTERVAL);
  await flatOutFor(Number(args.seconds) * 1000, send, concurrency);
  shares.push(shareOf(url, await profiler.stop(), times));
}

/** The share of a profile that functions below `url` have; adds what each has to `times`. */
function shareOf(url: string, profile: Profiler.Profile, times: Map<string, number>): number {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  let all = 0;
  let own = 0;
  const mine: [name: string, time: number][] = [];
  profile.samples!.forEach((id, i) => {
    const { functionName, url: file, lineNumber } = frames.get(id)!;
    // More is time in which others had the CPU.
    const time = Math.min(profile.timeDeltas![i]!, LONGEST);
    if (functionName === '(idle)' || file.startsWith('node:inspector')) return;
    all += time;
    if (!file.startsWith(url)) return;
    own += time;
    mine.push([`${functionName || '(anonymous)'}:${lineNumber + 1}`, time]);
  });
  for (const [name, time] of mine) {
    times.set(name, (times.get(name) ?? 0) + time / all / Number(args.passes));
  }
  return own / all;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
