// What does importing evenkeel cost over importing undici?
//
// Each import happens in a fresh process, in turns, from the built package.

import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { progress, report } from './support/report.ts';
import { median, spread } from './support/statistics.ts';

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, runs: { type: 'string', default: '25' } },
});
const root = new URL('..', import.meta.url);

interface Cost {
  /** Milliseconds. */
  time: number;
  /** Bytes. */
  rss: number;
  heapUsed: number;
}

progress('import: building the package');
execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', process.stderr, 'inherit'] });

const names = ['undici', 'evenkeel'] as const;
// The first ones fill the caches of the disk.
for (const name of names) measure(name);
const costs: Record<(typeof names)[number], Cost[]> = { undici: [], evenkeel: [] };
for (let run = 0; run < Number(args.runs); run++) {
  progress(`import: run ${run + 1} of ${args.runs}`);
  for (const name of run % 2 === 0 ? names : names.toReversed()) costs[name].push(measure(name));
}
compare('time', 1, 'ms', 20);
compare('rss', 2 ** 20, 'MB', 3.5);
compare('heapUsed', 2 ** 20, 'MB', 3.5);

function measure(name: string): Cost {
  // Not by --expose-gc: Node would compile its own modules anew, whose code is cached for the usual flags.
  const script = `
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    const startedAt = performance.now();
    await import('${name}');
    const time = performance.now() - startedAt;
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const { rss, heapUsed } = process.memoryUsage();
    console.log(JSON.stringify({ time, rss, heapUsed }));`;
  const node = ['--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, node, { cwd: root, encoding: 'utf8' })) as Cost;
}

function compare(kind: keyof Cost, unit: number, unitName: string, atMost: number): void {
  const more = spread(costs.evenkeel.map((cost, run) => (cost[kind] - costs.undici[run]![kind]) / unit));
  const [undici, evenkeel] = names.map((name) => median(costs[name].map((cost) => cost[kind])) / unit);
  report({
    bench: 'import',
    case: `${kind} over undici's`,
    value: more.median,
    bar: { atMost },
    text:
      `${more.median.toFixed(2)} ${unitName} more (${more.low.toFixed(2)}–${more.high.toFixed(2)}): ` +
      `${evenkeel!.toFixed(1)} against ${undici!.toFixed(1)}`,
    detail: { more, undici, evenkeel },
  });
}
