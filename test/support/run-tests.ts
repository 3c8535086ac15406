import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMPILE_CACHE } from './temporary.ts';

/** If more tests than this pass only the second time, something is broken. */
const MOST_UNSTABLE = 4;
const DEADLINE = pathToFileURL(join(import.meta.dirname, 'deadline.ts')).href;

/** What `--test-rerun-failures` keeps of each run: the tests that passed, by file, line and column. */
type Passed = Record<string, { readonly name: string; readonly passed_on_attempt: number }>;

/**
 * Runs tests. Each file is a process of its own, which strips the types of evenkeel's sources and compiles them: by the
 * variable this is done once, for the programs that tests start too.
 *
 * @param args options of `node --test`, and the files
 * @param folder where to run them
 * @param variables more environment variables
 * @returns whether all of them passed
 */
export function runOnce(args: readonly string[], folder: string, variables: NodeJS.ProcessEnv = {}): boolean {
  const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...variables };
  return (
    spawnSync(process.execPath, ['--test', ...args], { cwd: folder, stdio: 'inherit', env }).status === 0
  );
}

/**
 * Runs tests as `runOnce` does. Those that fail run once more: a machine that others share may stand still at any moment.
 * A test that passes only then is a bug all the same, of the test or of the code: a line names it, for somebody to look into.
 *
 * @param args options of `node --test`, and the files
 * @param folder where to run them
 * @param seconds after which no long file begins; a line at the end names those that are left out. By default there is no limit
 * @returns whether all of them passed, at the first time or, but for a few, at the second
 */
export function runTests(args: readonly string[], folder: string, seconds?: number): boolean {
  const notes = mkdtempSync(join(tmpdir(), 'evenkeel-tests-'));
  const state = join(notes, 'state.json');
  const leftOut = join(notes, 'left-out');
  const options = [`--test-rerun-failures=${state}`];
  const variables: NodeJS.ProcessEnv = {};
  if (seconds !== undefined) {
    options.push(`--import=${DEADLINE}`);
    variables.TEST_LEFT_OUT = leftOut;
    variables.TEST_DEADLINE = `${Date.now() + seconds * 1_000}`;
  }
  try {
    if (runOnce([...options, ...args], folder, variables)) return true;
    console.log('=== once more, what failed');
    delete variables.TEST_DEADLINE;
    if (!runOnce([...options, ...args], folder, variables)) return false;
    const [, second = {}] = JSON.parse(readFileSync(state, 'utf8')) as Passed[];
    const unstable = Object.entries(second).filter(([, { passed_on_attempt: attempt }]) => attempt === 1);
    for (const [place, { name }] of unstable) {
      console.log(`=== unstable: '${name}' (${place}) failed, and passed when it ran again`);
    }
    return unstable.length <= MOST_UNSTABLE;
  } finally {
    if (existsSync(leftOut)) {
      const files = readFileSync(leftOut, 'utf8').trim().split('\n');
      console.log(`=== not covered: ${files.join(', ')}, for want of time`);
    }
    rmSync(notes, { recursive: true, force: true });
  }
}
