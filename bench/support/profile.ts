// Where does the CPU time of a request go, in evenkeel and in stock undici?
//
// node bench/support/profile.ts [--api request|fetch] [--concurrency N] [--seconds S] [--rows R]

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryDirectory } from './temporary.ts';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const { values: args } = parseArgs({
  options: {
    api: { type: 'string', default: 'request' },
    concurrency: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '30' },
  },
});

const throughput = join(import.meta.dirname, '../throughput.ts');
const ours = profile('ours');
const stock = profile('stock');
const rows = Array.from(new Set([...ours.keys(), ...stock.keys()]), (name) => {
  const [our = 0, their = 0] = [ours.get(name), stock.get(name)];
  return {
    'µs/request ours': round(our),
    stock: round(their),
    difference: round(our - their),
    function: name,
  };
});

console.log(
  `${args.api}, concurrency ${args.concurrency}: in all ${total(ours)} µs, stock ${total(stock)} µs`,
);
console.log('The most expensive of ours:');
console.table(top((row) => row['µs/request ours']));
console.log('The largest differences:');
console.table(top((row) => Math.abs(row.difference)));

/** Microseconds of each function itself, for one request. */
function profile(name: string): Map<string, number> {
  const directory = temporaryDirectory();
  const { api, concurrency, seconds } = args;
  const node = ['--cpu-prof', `--cpu-prof-dir=${directory}`, throughput, '--json', '--only', name];
  const output = execFileSync(
    process.execPath,
    [...node, '--api', api, '--concurrency', concurrency, '--seconds', seconds],
    { encoding: 'utf8' },
  );
  const { requests } = (JSON.parse(output) as { detail: { requests: number } }).detail;
  const file = join(directory, readdirSync(directory)[0]!);
  return selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, requests);
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, requests: number): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i]! / requests);
  });
  times.delete('(idle)');
  return times;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/(node_modules|evenkeel|src|bench)\//, (_, folder: string) =>
    folder === 'node_modules' ? '' : `${folder}/`,
  );
  return `${functionName || '(anonymous)'}${file && ` ${file}:${lineNumber + 1}`}`;
}

function top(key: (row: (typeof rows)[number]) => number): typeof rows {
  return rows.toSorted((a, b) => key(b) - key(a)).slice(0, Number(args.rows));
}

function total(times: Map<string, number>): number {
  return round([...times.values()].reduce((sum, time) => sum + time, 0));
}

function round(microseconds: number): number {
  return Math.round(microseconds * 100) / 100;
}
