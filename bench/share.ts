// How much of a request's CPU is evenkeel's own?
//
// npm run bench -- share [--of REV] [--concurrency N] [--seconds S] [--passes P] [--rows R]
//
// The build as it is published, or that of another revision, calls five pods with undici's `request` under a profiler.
// Its share is the self time of its functions in all the time that the process was not idle: undici, Node, the kernel
// and the garbage collector have the rest. Beside it, by turns, is what no balancer does without: the pod with the
// fewest requests is found, and told of the end of each.

import type { Profiler } from 'node:inspector';
import { parseArgs } from 'node:util';
import type { Dispatcher } from 'undici';
import { BareBalancer } from './support/bare-balancer.ts';
import { CASES, type Case, sender } from './support/calling.ts';
import { flatOutFor } from './support/load.ts';
import { type Nginx, startNginx } from './support/nginx.ts';
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
/** Where the balancer is that does no more than it must. */
const BARE = import.meta.resolve('./support/bare-balancer.ts');

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    of: { type: 'string' },
    concurrency: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    passes: { type: 'string', default: '11' },
    rows: { type: 'string', default: '0' },
  },
});

progress(`share: building ${args.of ?? 'this'}`);
const revision = await build(args.of);
const nginx = await startNginx({ addresses: 5 });
const wanted = args.concurrency === undefined ? [1, 100] : [Number(args.concurrency)];
for (const each of CASES) {
  if (each.api === 'request' && wanted.includes(each.concurrency)) await measure(revision, each, nginx);
}
nginx.stop();

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
  { endpoints, origin }: Nginx,
): Promise<void> {
  const contestant = (name: string, agent: Dispatcher, url: string, bar?: Contestant['bar']): Contestant => {
    return { name, agent, url, bar, shares: [], times: new Map() };
  };
  const contestants = [
    contestant(name, new BalancedAgent({ discovery: staticResolver(endpoints) }), url, { atMost: BAR }),
    contestant('a bare balancer', new BareBalancer(endpoints), BARE),
  ];
  for (let pass = -1; pass < Number(args.passes); pass++) {
    progress(`share: ${api}, concurrency ${concurrency}, pass ${pass + 1} of ${args.passes}`);
    for (const each of contestants) {
      const send = sender(api, each.agent, origin);
      // The first pass warms up.
      if (pass === -1) await flatOutFor(WARM_UP, send, concurrency);
      else await profile(each, send, concurrency);
    }
  }
  for (const { name, agent, bar, shares, times } of contestants) {
    await agent.close();
    const { median, low, high } = spread(shares);
    report({
      bench: 'share',
      case: `${api}, concurrency ${concurrency}${bar === undefined ? `, ${name}` : ''}`,
      value: median,
      ...(bar && { bar }),
      text: `${percent(median)} of the CPU (${percent(low)}–${percent(high)})`,
      detail: { of: name, shares },
    });
    const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, Number(args.rows));
    if (rows.length > 0)
      console.table(rows.map(([name, share]) => ({ function: name, share: percent(share) })));
  }
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
