// npm run test:undici             what leans on undici's inside, against the newest undici 8 instead of the locked one
// npm run test:undici -- VERSION  the same against another one

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What speaks to undici, and to peers through it. */
const TESTS = [
  'test/undici/*.test.ts',
  'test/{aborts,callers,connection-caps,context,differential,event-streams,fake-timers}.test.ts',
  'test/{hostile,http2,lifecycle,max-requests,silence,tls,undici-options,upgrades,waiting}.test.ts',
  'test/{global,request,retry,connection}/*.test.ts',
];
const ROOT = join(import.meta.dirname, '..', '..');

const wanted = process.argv[2] ?? '8';
const locked = versionIn(join(ROOT, 'node_modules', 'undici'));
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-undici-'));
try {
  const undici = fetch(wanted);
  const version = versionIn(undici);
  console.log(`undici ${version} in place of ${locked}`);
  // Copied, not linked: Node looks for packages beside where a file really is.
  const project = join(folder, 'project');
  for (const path of ['src', 'test', 'docs', 'package.json', 'tsconfig.json', 'README.md']) {
    cpSync(join(ROOT, path), join(project, path), { recursive: true });
  }
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'undici') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(undici, join(modules, 'undici'));
  const { status } = spawnSync(process.execPath, ['--test', ...TESTS], { cwd: project, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The folder with that version of undici, out of npm's registry. */
function fetch(version: string): string {
  const into = join(folder, 'fetched');
  mkdirSync(into);
  const args = ['install', '--prefix', into, '--no-save', '--no-audit', '--no-fund', `undici@${version}`];
  execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(into, 'node_modules', 'undici');
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { version: string }).version;
}
