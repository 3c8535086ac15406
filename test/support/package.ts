import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './versions.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What the package is built from. */
const SOURCES = [
  'src',
  'build.ts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
  'SECURITY.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'dashboards',
  'docs',
  'bench/results',
];
/** What a user's project would get along with evenkeel, or has by itself. */
const NEIGHBOURS = [
  'undici',
  'lru-cache',
  '@types/node',
  'undici-types',
  '@opentelemetry/api',
  '@opentelemetry/sdk-metrics',
  'prom-client',
];

/** A project in a folder of its own that has evenkeel among its packages, as npm would publish it. */
export interface Project {
  readonly folder: string;
  /** Paths of all files in the package. */
  readonly files: readonly string[];
  remove(): void;
}

/** Runs TypeScript's compiler; throws with what it has to say when it is not content. */
export function compile(...args: string[]): void {
  execute(join(ROOT, 'node_modules/.bin/tsc'), ...args);
}

/** Versions of TypeScript: the oldest that understands the types, the last that knows `node10`, and the newest. */
export const COMPILERS = ['5.3.3', '5.9', '7'] as const;

export type Compiler = (typeof COMPILERS)[number];

/** Ways to resolve modules: what files are called, and the options `module` and `moduleResolution`. */
export const RESOLUTIONS = [
  ['cts', 'node16', 'node16'],
  ['mts', 'node16', 'node16'],
  ['cts', 'nodenext', 'nodenext'],
  ['mts', 'nodenext', 'nodenext'],
  ['ts', 'esnext', 'bundler'],
  ['ts', 'commonjs', 'node10'],
] as const;

/** Those that a compiler knows. */
export function resolutionsOf(version: Compiler) {
  return RESOLUTIONS.filter(([, , resolution]) => version !== '7' || resolution !== 'node10');
}

/** Gets a version of TypeScript from npm, into a folder below that one; where its compiler is, or why there is none. */
export async function installCompiler(
  folder: string,
  version: Compiler,
): Promise<{ path: string } | { error: string }> {
  const prefix = join(folder, `typescript-${version}`);
  mkdirSync(prefix, { recursive: true });
  const npm = ['install', '--no-audit', '--no-fund', '--prefix', prefix, `typescript@${version}`];
  const { code, stderr } = await run('npm', npm, process.env as Record<string, string>);
  return code === 0 ? { path: join(prefix, 'node_modules/.bin/tsc') } : { error: stderr };
}

/**
 * Unpacks evenkeel into a project, beside other packages of ours. It is built and packed for that, unless
 * `TEST_PACKAGE` names what has been: `.ci/run` does so once for all files.
 */
export function makeProject(packages: readonly string[] = []): Project {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-project-'));
  const remove = () => rmSync(folder, { recursive: true });
  try {
    return { folder, files: fill(folder, packages), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Makes a project of a folder; returns the paths in the package. */
function fill(folder: string, packages: readonly string[]): string[] {
  const packed = process.env.TEST_PACKAGE ?? pack(folder);
  const modules = join(folder, 'node_modules');
  const unpacked = join(modules, 'evenkeel');
  for (const path of ['evenkeel', '.bin', '@types', '@opentelemetry'])
    mkdirSync(join(modules, path), { recursive: true });
  execute('tar', '-xzf', packed, '--strip-components=1', '-C', unpacked);
  for (const name of [...NEIGHBOURS, ...packages]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  const command = join(unpacked, 'dist/cli/main.js');
  chmodSync(command, 0o755);
  symlinkSync(command, join(modules, '.bin/evenkeel'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const paths = execute('tar', '-tzf', packed).trimEnd().split('\n');
  return paths.map((path) => path.replace(/^package\//, ''));
}

/** Builds and packs evenkeel apart from the checkout's own `dist`, which others may use; returns the package's path. */
function pack(folder: string): string {
  const source = join(folder, 'source');
  for (const path of SOURCES) cpSync(join(ROOT, path), join(source, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(source, 'node_modules'));
  execute('npm', 'run', 'build', '--prefix', source);
  const packed = execute('npm', 'pack', source, '--ignore-scripts', '--json', '--pack-destination', folder);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  return join(folder, filename);
}

function execute(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
