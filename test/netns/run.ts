// npm run test:netns                 every file
// npm run test:netns -- --seconds N  the shortest of them, as many as can be run within that time

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { LENIENT } from './bed/bars.ts';
import { watchOthers } from './bed/machine.ts';
import { findObstacle } from './bed/obstacle.ts';
import { shortestFirst, timeFor } from './bed/plan.ts';

/** Milliseconds. */
const TEST_TIMEOUT = 240_000;
/** Waits most of the time, and so runs beside the others. */
const IDLE = 'trickle.netns.ts';
/** Measures milliseconds, and so comes when nothing else runs. */
const ALONE = 'rotation.netns.ts';
/** The share of the CPUs that others may use while something is measured. */
const QUIET = 0.1;

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
  readonly seconds: number;
  /** The share of the CPUs that others used. */
  readonly others: number;
}

const { values: args } = parseArgs({ options: { seconds: { type: 'string' } } });
const skipped: string[] = [];
const seconds = Number(args.seconds ?? Number.POSITIVE_INFINITY);

const obstacle = await findObstacle();
if (obstacle !== undefined) {
  console.log(`test:netns skipped: ${obstacle}`);
} else {
  const names = globSync('*.netns.ts', { cwd: import.meta.dirname }).sort();
  const chosen = Number.isFinite(seconds) ? shortestFirst(names) : names;
  const [idle, alone] = [IDLE, ALONE].map((one) => chosen.filter((name) => name === one));
  const others = chosen.filter((name) => ![IDLE, ALONE].includes(name));
  await Promise.all([runAll(idle!), runAll(others)]);
  await runAll(alone!);
  if (skipped.length > 0) console.log(`=== not covered: ${skipped.join(', ')}, for want of time`);
}

/** Runs files, one at a time. */
async function runAll(names: readonly string[]): Promise<void> {
  for (const name of names) await runUntilSure(name);
}

/**
 * Runs a file, and once more if it fails: chance is part of what is measured, and so is what else goes on
 * here. Without the time for that, bars that take a quiet machine don't count.
 */
async function runUntilSure(name: string): Promise<void> {
  if (!hasTimeFor(name, 1)) {
    skipped.push(name);
    return;
  }
  const single = !hasTimeFor(name, 2);
  if (single) console.log(`— ${name}: there is no time for a second try, so that bars don't count`);
  const first = await run(name, single);
  print(name, first);
  if (first.passed) return checkTime(name, first);
  if (single) {
    process.exitCode = 1;
    return;
  }
  const busy = first.others > QUIET;
  console.log(
    `— ${name} has failed: once more${busy ? ', and bars do not count, for this machine is busy' : ''}`,
  );
  const second = await run(name, busy);
  print(name, second);
  if (!second.passed) process.exitCode = 1;
}

/** Whether a file can be run so many times before the time is up. */
function hasTimeFor(name: string, runs: number): boolean {
  return performance.now() / 1_000 + runs * timeFor(name) <= seconds;
}

/** What a file is taken to need decides which are run in a short time. */
function checkTime(name: string, outcome: Outcome): void {
  if (outcome.seconds <= timeFor(name)) return;
  const busy = outcome.others > QUIET;
  console.log(
    `— ${name} took ${Math.round(outcome.seconds)} s, more than ${Math.round(timeFor(name))} s: ` +
      (busy ? 'this machine is busy' : 'say so in test/netns/bed/plan.ts'),
  );
  if (!busy) process.exitCode = 1;
}

async function run(name: string, lenient: boolean): Promise<Outcome> {
  const [othersSince, begun] = [watchOthers(), performance.now()];
  const file = join(import.meta.dirname, name);
  const child = spawn(process.execPath, ['--test', `--test-timeout=${TEST_TIMEOUT}`, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(lenient ? { [LENIENT]: '1' } : undefined) },
  });
  const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  return {
    passed: code === 0,
    output,
    seconds: (performance.now() - begun) / 1_000,
    others: othersSince(),
  };
}

function print(name: string, { output, seconds, others }: Outcome): void {
  const [took, used] = [Math.round(seconds), Math.round(others * 100)];
  console.log(`— ${name} (${took} s; others used ${used} % of the CPUs)\n${output}`);
}
