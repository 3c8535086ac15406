// npm run test:undici             what leans on undici's inside, against the oldest undici that package.json takes and
//                                 the newest 8, where these are not the locked one, which `npm test` is for
// npm run test:undici -- VERSION  the same against another one

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTests } from '../support/run-tests.ts';

/** What speaks to undici, and to peers through it. */
const TESTS = [
  'test/undici/*.test.ts',
  'test/transports/**/*.test.ts',
  'test/transports/undici/{as-given,differential,keep-alive,options}.long.ts',
  'test/agent/{aborts,callers,context,event-streams,fake-timers,hostile,lifecycle,upgrades}.test.ts',
  'test/core/calls/*.test.ts',
  'test/core/connections/{caps,dials,dial-pace,silence}.test.ts',
  'test/core/endpoints/max-requests.test.ts',
];
const ROOT = join(import.meta.dirname, '..', '..');

const locked = versionIn(join(ROOT, 'node_modules', 'undici'));
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-undici-'));
// It goes with the folder, which is another one each time.
process.env.NODE_COMPILE_CACHE = join(folder, 'compile-cache');
try {
  const [wanted] = process.argv.slice(2);
  const versions = new Set(wanted === undefined ? [oldest(), newest()] : [wanted]);
  if (wanted === undefined) versions.delete(locked);
  for (const version of versions) test(version);
  if (versions.size === 0) console.log(`undici ${locked} is all there is`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The least version that package.json's range takes. */
function oldest(): string {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: { undici: string };
  };
  return dependencies.undici.replace('^', '');
}

function newest(): string {
  const answer = execFileSync('npm', ['view', 'undici@8', 'version', '--json'], { encoding: 'utf8' });
  const versions = [JSON.parse(answer) as string | string[]].flat();
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
}

/** Runs the tests in a copy of the project that has that version. */
function test(version: string): void {
  const undici = fetch(version);
  console.log(`undici ${versionIn(undici)} in place of ${locked}`);
  // Copied, not linked: Node looks for packages beside where a file really is.
  const project = join(folder, version, 'project');
  for (const path of ['src', 'test', 'docs', 'package.json', 'tsconfig.json', 'README.md']) {
    cpSync(join(ROOT, path), join(project, path), { recursive: true });
  }
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'undici') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(undici, join(modules, 'undici'));
  if (!runTests(['--test-concurrency=6', ...TESTS], project)) process.exitCode = 1;
}

/** The folder with that version of undici, out of npm's registry. */
function fetch(version: string): string {
  const into = join(folder, version, 'fetched');
  mkdirSync(into, { recursive: true });
  const args = ['install', '--prefix', into, '--no-save', '--no-audit', '--no-fund', `undici@${version}`];
  execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(into, 'node_modules', 'undici');
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { version: string }).version;
}
