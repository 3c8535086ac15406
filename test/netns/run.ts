// npm run test:netns                 every file
// npm run test:netns -- --seconds N  those of them that can be run within that time

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { LENIENT } from './bed/bars.ts';
import { watchOthers } from './bed/machine.ts';
import { findObstacle } from './bed/obstacle.ts';

/** Milliseconds. */
const TEST_TIMEOUT = 170_000;
/** Seconds that no file takes, unless something hangs or holds everything up. */
const LONGEST = 150;
/** Waits most of the time, and so runs beside the others. */
const IDLE = 'trickle.netns.ts';
/** Measures milliseconds, and so comes when nothing else runs. */
const ALONE = 'rotation.netns.ts';
/** The share of the CPUs that others may use while something is measured. */
const QUIET = 0.1;

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
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
  const files = globSync(`${import.meta.dirname}/*.netns.ts`).sort();
  const [idle, alone] = [IDLE, ALONE].map((name) => files.filter((file) => basename(file) === name));
  const others = files.filter((file) => ![IDLE, ALONE].includes(basename(file)));
  await Promise.all([runAll(idle!), runAll(others)]);
  await runAll(alone!);
  if (skipped.length > 0) console.log(`=== not covered: ${skipped.join(', ')}, for want of time`);
}

/** Runs files, one at a time. */
async function runAll(files: readonly string[]): Promise<void> {
  for (const file of files) await runUntilSure(file);
}

/**
 * Runs a file, and once more if it fails: chance is part of what is measured, and so is what else goes on
 * here. Without the time for that, bars that take a quiet machine don't count.
 */
async function runUntilSure(file: string): Promise<void> {
  const name = basename(file);
  if (!hasTimeFor(1)) {
    skipped.push(name);
    return;
  }
  const single = !hasTimeFor(2);
  if (single) console.log(`— ${name}: there is no time for a second try, so that bars don't count`);
  const first = await run(file, single);
  print(name, first);
  if (first.passed) return;
  if (single) {
    process.exitCode = 1;
    return;
  }
  const busy = first.others > QUIET;
  console.log(
    `— ${name} has failed: once more${busy ? ', and bars do not count, for this machine is busy' : ''}`,
  );
  const second = await run(file, busy);
  print(name, second);
  if (!second.passed) process.exitCode = 1;
}

/** Whether a file can be run so many times before the time is up. */
function hasTimeFor(runs: number): boolean {
  return performance.now() / 1_000 + runs * LONGEST <= seconds;
}

async function run(file: string, lenient: boolean): Promise<Outcome> {
  const othersSince = watchOthers();
  const child = spawn(process.execPath, ['--test', `--test-timeout=${TEST_TIMEOUT}`, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(lenient ? { [LENIENT]: '1' } : undefined) },
  });
  const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  return { passed: code === 0, output, others: othersSince() };
}

function print(name: string, { output, others }: Outcome): void {
  console.log(`— ${name} (others used ${Math.round(others * 100)} % of the CPUs)\n${output}`);
}
