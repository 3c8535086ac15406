import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from './temporary.ts';

/** With this option, Node tells perf the names of JavaScript functions. */
export const PERF_OPTION = '--perf-basic-prof';
/** Samples a second. Not a round number, so that they don't fall into step with timers. */
const FREQUENCY = 4_999;
/** Milliseconds until perf has begun. */
const START = 1_500;

/** Whether Linux's `perf` is there, and may sample. */
export function hasPerf(): boolean {
  try {
    execFileSync('perf', ['record', '-e', 'cpu-clock', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Samples the CPU of another process while `work` goes on, the kernel's part and all threads included.
 *
 * @returns the name of the function that ran, for each sample
 */
export async function sample(pid: number, work: () => Promise<unknown>): Promise<string[]> {
  const file = join(temporaryDirectory(), 'perf.data');
  const options = ['-e', 'cpu-clock', '-F', `${FREQUENCY}`, '-o', file, '-p', `${pid}`];
  const perf = spawn('perf', ['record', ...options], { stdio: 'ignore' });
  const ended = once(perf, 'exit');
  await sleep(START);
  await work();
  perf.kill('SIGINT');
  await ended;
  const script = execFileSync('perf', ['script', '-i', file, '-F', 'ip,sym'], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return script.split('\n').filter((line) => line.trim() !== '');
}
