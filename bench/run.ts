// npm run bench               every benchmark
// npm run bench -- NAME …     one of them, with its own arguments
// --json                      prints lines of JSON only
// What one has found is also in bench/results/NAME.json, and drawn in NAME.svg. The exit code tells whether every bar was met.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { drawPlots } from './support/plots.ts';

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const [first, ...rest] = process.argv.slice(2);
const all = first === undefined || first.startsWith('-');

if (!all && !names.includes(first)) {
  console.error(`no benchmark is called '${first}'; there are: ${names.join(', ')}`);
  process.exit(2);
}

const [load, cores] = [loadavg()[0]!, availableParallelism()];
if (load > cores / 2) {
  console.error(`the machine is busy (load ${load.toFixed(1)} on ${cores} cores): expect noise`);
}
for (const name of all ? names : [first]) {
  console.error(`— ${name}`);
  const code = await run(name, all ? process.argv.slice(2) : rest);
  if (code !== 0) process.exitCode = 1;
}
drawPlots();

/** In a process of its own: what one makes of the machine code of undici is no other's concern. */
async function run(name: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/${name}.ts`, ...args], {
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  const results: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    console.log(line);
    if (line.startsWith('{')) results.push(JSON.parse(line));
  }
  const [code] =
    child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode];
  save(name, results);
  return code;
}

function save(name: string, results: readonly unknown[]): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}
