// Is this better or worse than another revision?
//
// npm run bench -- versus --against REV [--only throughput|call|pick|memory|scale|kubernetes] [--api A] [--concurrency N]
//
// Both are built, and take turns on the same undici, in processes of their own; in one process for `memory`.
// What is compared is the CPU (or the heap) of the other one divided by that of this: above 1 is better. `control` is
// this build once more: how far it strays from 1 is the noise. What is asked of the inside, which other revisions have
// in another shape, each asks with its own bench: `scale`, and `kubernetes`.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { EndpointAddress, Resolver } from '../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../src/transports/undici/agent.ts';
import { CASES, type Case } from './support/calling.ts';
import { type Nginx, startNginx } from './support/nginx.ts';
import { type Findings, findingsOf, ownPartOf, pickOf } from './support/own-bench.ts';
import { interleaveProcesses } from './support/own-process.ts';
import { PICK_CASES } from './support/picking.ts';
import { progress, report } from './support/report.ts';
import { build, type Revision } from './support/revision.ts';
import { median, ratios, type Spread } from './support/statistics.ts';

const KINDS = ['throughput', 'call', 'pick', 'memory', 'scale', 'kubernetes'];
const MANY = 10_000;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    against: { type: 'string' },
    only: { type: 'string' },
    api: { type: 'string' },
    concurrency: { type: 'string' },
    rounds: { type: 'string', default: '15' },
  },
});
if (args.only !== undefined && !KINDS.includes(args.only)) {
  console.error(`--only takes one of ${KINDS.join(', ')}`);
  process.exit(2);
}
// In a run of all benchmarks, too.
const against = args.against ?? 'HEAD';
const rounds = Number(args.rounds);

progress(`versus: building this, and ${against}`);
const those = await build(against);
const these = await build();
const anywhere = await serveEverywhere();
if (wanted('throughput')) await compareThroughput();
if (wanted('call')) await compareOwnParts();
if (wanted('pick')) await comparePicks();
if (wanted('memory')) await compareMemory();
if (wanted('scale')) await compareFindings('scale', { rounds: Math.min(rounds, 9), bar: 0.95 });
// It is idle for most of its minute, so that all have the same one.
if (wanted('kubernetes')) await compareFindings('kubernetes', { rounds: 3, bar: 0.9, atOnce: true });
process.exit();

function wanted(kind: string): boolean {
  return args.only === undefined || args.only === kind;
}

async function compareThroughput(): Promise<void> {
  const nginx = await startNginx({ addresses: 5 });
  for (const each of CASES) {
    const chosen =
      (args.api === undefined || args.api === each.api) &&
      (args.concurrency === undefined || Number(args.concurrency) === each.concurrency);
    if (chosen) await compareCalls(each, nginx);
  }
  nginx.stop();
}

async function compareCalls(
  { api, concurrency, requests, turns }: Case,
  { endpoints }: Nginx,
): Promise<void> {
  const title = `${api}, concurrency ${concurrency}`;
  const callers = [those, these, these].map(({ folder }) => ({
    name: 'evenkeel' as const,
    api,
    endpoints,
    folder,
  }));
  const work = { requests: requests / turns, concurrency };
  const costs = await interleaveProcesses(callers, work, { title: `versus: ${title}`, rounds, turns });
  const [former, present, control] = costs.map((all) => all.map(({ cpu }) => cpu)) as [
    number[],
    number[],
    number[],
  ];
  const ratio = ratios(former, present);
  const noise = ratios(control, present);
  report({
    bench: 'versus',
    case: title,
    value: ratio.median,
    bar: { atLeast: 0.99 },
    text: `CPU of ${against} over this ${inWords(ratio)}, control ${inWords(noise)}`,
    detail: { against, ratio, control: noise, rounds },
  });
}

/** What calls cost in evenkeel itself, by `call`. */
async function compareOwnParts(): Promise<void> {
  for (const concurrency of args.concurrency === undefined ? [1, 100] : [Number(args.concurrency)]) {
    const title = `evenkeel's part of a call, concurrency ${concurrency}`;
    await alternate(title, 0.97, (revision) => ownPartOf(revision, concurrency));
  }
}

async function comparePicks(): Promise<void> {
  for (const policy of [...PICK_CASES.map((each) => each.policy), 'ring-hash']) {
    await alternate(`pick, ${policy}`, 0.95, (revision) => pickOf(revision, policy));
  }
}

/**
 * Compares nanoseconds that are measured in processes of their own, in turns: in one, V8 would compile what calls either
 * of them for both, and look for the classes of the first one first.
 */
async function alternate(
  title: string,
  atLeast: number,
  nanosecondsOf: (revision: Revision) => Promise<number>,
): Promise<void> {
  const found: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < Math.min(rounds, 9); round++) {
    progress(`versus: ${title}, round ${round + 1}`);
    // Forwards and backwards, so that none always comes first.
    for (const n of round % 2 === 0 ? [0, 1, 2] : [2, 1, 0]) {
      found[n]!.push(await nanosecondsOf(n === 0 ? those : these));
    }
  }
  const [former, present, control] = found;
  const ratio = ratios(former, present);
  report({
    bench: 'versus',
    case: title,
    value: ratio.median,
    bar: { atLeast },
    text:
      `CPU of ${against} over this ${inWords(ratio)}, control ${inWords(ratios(control, present))}; ` +
      `${median(present).toFixed(0)} ns against ${median(former).toFixed(0)}`,
    detail: { against, ratio, former, present, control },
  });
}

/** What each revision's own bench of that name finds: that of which less is better. */
async function compareFindings(
  bench: string,
  { rounds, bar, atOnce = false }: { rounds: number; bar: number; atOnce?: boolean },
): Promise<void> {
  const found: [Findings[], Findings[], Findings[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    progress(`versus: ${bench}, round ${round + 1} of ${rounds}`);
    const turns: Promise<unknown>[] = [];
    for (const n of round % 2 === 0 ? [0, 1, 2] : [2, 1, 0]) {
      const turn = findingsOf(n === 0 ? those : these, bench).then((findings) => found[n]!.push(findings));
      if (atOnce) turns.push(turn);
      else await turn;
    }
    await Promise.all(turns);
  }
  for (const title of found[1][0]!.keys()) {
    const [former, present, control] = found.map((all) => all.map((one) => one.get(title) ?? Number.NaN));
    const ratio = ratios(former!, present!);
    report({
      bench: 'versus',
      case: `${bench}: ${title}`,
      value: ratio.median,
      bar: { atLeast: bar },
      text: `${against} over this ${inWords(ratio)}, control ${inWords(ratios(control!, present!))}`,
      detail: { against, ratio, former, present, control },
    });
  }
}

/** Heap that is still used when an agent knows many endpoints. All of them live on, so that none's end is another's gain. */
async function compareMemory(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const collect = async (): Promise<number> => {
    for (let i = 0; i < 4; i++) {
      gc();
      await nextTurn();
    }
    return process.memoryUsage().heapUsed;
  };
  const agents: BalancedAgent[] = [];
  const bytesOf = async (revision: Revision): Promise<number> => {
    const before = await collect();
    const { agent, change } = await knowingMany(revision);
    agents.push(agent);
    await change(1);
    return (await collect()) - before;
  };
  const sizes: [number[], number[]] = [[], []];
  for (let round = -1; round < Math.min(rounds, 5); round++) {
    progress(`versus: heap of ${MANY} endpoints, round ${round + 1}`);
    const [former, present] = [await bytesOf(those), await bytesOf(these)];
    if (round < 0) continue;
    sizes[0].push(former);
    sizes[1].push(present);
  }
  await Promise.all(agents.map((agent) => agent.destroy()));
  const ratio = ratios(sizes[0], sizes[1]);
  const [former, present] = sizes.map((bytes) => Math.round(median(bytes) / MANY));
  report({
    bench: 'versus',
    case: `heap of ${MANY} endpoints`,
    value: ratio.median,
    bar: { atLeast: 0.95 },
    text: `${inWords(ratio)}: ${present} bytes for each against ${former}`,
    detail: { against, ratio, former, present },
  });
}

/** An agent that knows many endpoints, has called one of them, and sees them replaced one at a time. */
async function knowingMany({ package: { BalancedAgent } }: Revision): Promise<{
  agent: BalancedAgent;
  change(times: number): Promise<void>;
}> {
  const addressOf = (n: number): EndpointAddress => {
    return { address: `127.${200 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, port: anywhere };
  };
  const endpoints = Array.from({ length: MANY }, (_, n) => addressOf(n));
  let serial = 0;
  let changed = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  const discovery: Resolver = async function* (_target, signal) {
    while (!signal.aborted) {
      yield { endpoints: [...endpoints], source: 'versus', pushed: true };
      taken.resolve();
      await changed.promise;
      changed = Promise.withResolvers();
    }
  };
  const agent = new BalancedAgent({ discovery });
  const { body } = await agent.request({ origin: 'http://orders.prod', path: '/', method: 'GET' });
  await body.dump();
  const change = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      await taken.promise;
      taken = Promise.withResolvers();
      endpoints[(serial * 37) % MANY] = addressOf(MANY + serial++);
      changed.resolve();
    }
    await taken.promise;
  };
  return { agent, change };
}

/** Serves at every loopback address. Returns its port. */
async function serveEverywhere(): Promise<number> {
  const server = createServer((_request, response) => response.end('here')).listen(0, '0.0.0.0');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function inWords({ median: middle, low, high }: Spread): string {
  return `${middle.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
