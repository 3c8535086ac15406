// Where does the CPU time of a request go, in evenkeel and in stock undici?
//
// node bench/support/profile.ts [--api request|fetch] [--concurrency N] [--seconds S] [--passes P] [--rows R]
//
// Both are profiled in turns, several times. The cheapest pass of each counts: a profiler samples time, so
// it takes it for work when other processes had the CPU.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryDirectory } from './temporary.ts';

type SelfTimes = Map<string, number>;

/** Whose code a function is, by how its name and file read. */
const OWNERS: readonly (readonly [owner: string, pattern: RegExp])[] = [
  ['evenkeel', / src\//],
  ['undici', / (undici\/|node:internal\/deps\/undici)|wasm/],
  ['Node', / node:(?!internal\/deps\/undici)/],
  ['garbage collector', /^\(garbage/],
  ['native', /^[^ ]+$|^\(program\)/],
];

const { values: args } = parseArgs({
  options: {
    api: { type: 'string', default: 'request' },
    concurrency: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '3' },
    passes: { type: 'string', default: '4' },
    rows: { type: 'string', default: '30' },
  },
});

const throughput = join(import.meta.dirname, '../throughput.ts');
const file = join(temporaryDirectory(), 'cpuprofile.json');
const passes = Array.from(
  { length: Number(args.passes) },
  () => [profile('ours'), profile('stock')] as const,
);
const [ours, stock] = ([0, 1] as const).map((side) => cheapest(passes.map((pass) => pass[side])));
const rows = Array.from(new Set([...ours!.keys(), ...stock!.keys()]), (name) => {
  const [our = 0, their = 0] = [ours!.get(name), stock!.get(name)];
  return {
    'µs/request ours': round(our),
    stock: round(their),
    difference: round(our - their),
    function: name,
  };
});

console.log(
  `${args.api}, concurrency ${args.concurrency}: ` +
    `in all ${round(total(ours!))} µs a request, stock ${round(total(stock!))} µs`,
);
console.table(Object.fromEntries(OWNERS.map(([owner, pattern]) => [owner, share(pattern)])));
console.log('The most expensive of ours:');
console.table(top((row) => row['µs/request ours']));
console.log('The largest differences:');
console.table(top((row) => Math.abs(row.difference)));

/** Microseconds of each function itself, for one request. */
function profile(name: 'ours' | 'stock'): SelfTimes {
  const { api, concurrency, seconds } = args;
  const output = execFileSync(
    process.execPath,
    [throughput, '--json', '--only', name, '--profile', file].concat(
      '--api',
      api,
      '--concurrency',
      concurrency,
      '--seconds',
      seconds,
    ),
    { encoding: 'utf8' },
  );
  const { requests } = (JSON.parse(output) as { detail: { requests: number } }).detail;
  return selfTimes(JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile, requests);
}

function share(pattern: RegExp): { ours: number; stock: number } {
  const sum = (times: SelfTimes) => total(new Map([...times].filter(([name]) => pattern.test(name))));
  return { ours: round(sum(ours!)), stock: round(sum(stock!)) };
}

function cheapest(profiles: readonly SelfTimes[]): SelfTimes {
  return profiles.reduce((best, each) => (total(each) < total(best) ? each : best));
}

function selfTimes({ nodes, samples, timeDeltas }: Profiler.Profile, requests: number): SelfTimes {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples!.forEach((id, i) => {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas![i]! / requests);
  });
  for (const name of times.keys())
    if (name === '(idle)' || name.startsWith('post node:inspector')) times.delete(name);
  return times;
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']): string {
  const file = url.replace(/^.*\/(node_modules|evenkeel|src|bench)\//, (_, folder: string) =>
    folder === 'node_modules' ? '' : `${folder}/`,
  );
  return `${functionName || '(anonymous)'}${file && ` ${file}:${lineNumber + 1}`}`;
}

function top(key: (row: (typeof rows)[number]) => number): typeof rows {
  return rows.toSorted((a, b) => key(b) - key(a)).slice(0, Number(args.rows));
}

function total(times: SelfTimes): number {
  return [...times.values()].reduce((sum, time) => sum + time, 0);
}

function round(microseconds: number): number {
  return Math.round(microseconds * 100) / 100;
}
