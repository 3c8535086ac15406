import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_CACHE } from './temporary.ts';

/** If more tests than this pass only the second time, something is broken. */
const MOST_UNSTABLE = 4;

/** What `--test-rerun-failures` keeps of each run: the tests that passed, by file, line and column. */
type Passed = Record<string, { readonly name: string; readonly passed_on_attempt: number }>;

/**
 * Runs tests. Each file is a process of its own, and most of what a short one does is to strip the types of evenkeel's
 * sources and to compile them: by the variable this is done once, for the programs that tests start too.
 *
 * @param args options of `node --test`, and the files
 * @param folder where to run them
 * @returns whether all of them passed
 */
export function runOnce(args: readonly string[], folder: string): boolean {
  const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env };
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
 * @returns whether all of them passed, at the first time or, but for a few, at the second
 */
export function runTests(args: readonly string[], folder: string): boolean {
  const notes = mkdtempSync(join(tmpdir(), 'evenkeel-tests-'));
  const state = join(notes, 'state.json');
  const run = () => runOnce([`--test-rerun-failures=${state}`, ...args], folder);
  try {
    if (run()) return true;
    console.log('=== once more, what failed');
    if (!run()) return false;
    const [, second = {}] = JSON.parse(readFileSync(state, 'utf8')) as Passed[];
    const unstable = Object.entries(second).filter(([, { passed_on_attempt: attempt }]) => attempt === 1);
    for (const [place, { name }] of unstable) {
      console.log(`=== unstable: '${name}' (${place}) failed, and passed when it ran again`);
    }
    return unstable.length <= MOST_UNSTABLE;
  } finally {
    rmSync(notes, { recursive: true, force: true });
  }
}
