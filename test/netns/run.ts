import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { findObstacle } from './bed/obstacle.ts';

/** Files that run at a time: most of them wait most of the time. */
const AT_ONCE = 4;
/** Measures milliseconds, and so comes alone. */
const ALONE = 'rotation.netns.ts';

const obstacle = await findObstacle();
if (obstacle !== undefined) {
  console.log(`test:netns skipped: ${obstacle}`);
} else {
  const files = globSync(`${import.meta.dirname}/*.netns.ts`);
  const together = files.filter((file) => !file.endsWith(ALONE));
  const alone = files.filter((file) => file.endsWith(ALONE));
  for (const group of [together, alone]) await runTests(group);
}

async function runTests(files: readonly string[]): Promise<void> {
  const args = ['--test', '--test-timeout=240000', `--test-concurrency=${AT_ONCE}`, ...files];
  const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
  if (code !== 0) process.exitCode = 1;
}
