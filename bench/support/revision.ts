import { execFileSync } from 'node:child_process';
import { cpSync, globSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Policies } from './picking.ts';
import { temporaryDirectory } from './temporary.ts';

type Package = typeof import('../../src/index.ts');

/** A build of a state of the project. */
export interface Revision {
  readonly name: string;
  readonly folder: string;
  /** Where its code is, as a stack or a profile has it. */
  readonly url: string;
  readonly package: Package;
}

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = [
  'src',
  'bench',
  'test/support',
  'build.ts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/**
 * Builds a revision, or the working tree without one, in a folder of its own. All builds have the dependencies that
 * are installed here, so that they run on one and the same undici.
 *
 * @throws when git doesn't know the revision, or it can't be built
 */
export async function build(revision?: string): Promise<Revision> {
  const folder = join(temporaryDirectory(), 'source');
  if (revision === undefined) {
    for (const path of SOURCES) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  } else {
    // Without being registered as a work tree, which would outlive a process that is killed.
    run('git', ['clone', '--quiet', '--shared', '--no-checkout', ROOT, folder], ROOT);
    run(
      'git',
      ['checkout', '--quiet', '--detach', run('git', ['rev-parse', `${revision}^{commit}`], ROOT).trim()],
      folder,
    );
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  run(process.execPath, ['build.ts'], folder);
  return builtIn(folder, revision ?? 'this');
}

/** The build in a folder that `build` has made, be it for another process. */
export async function builtIn(folder: string, name: string): Promise<Revision> {
  return {
    name,
    folder,
    url: pathToFileURL(join(folder, 'dist')).href,
    package: (await load(join(folder, 'dist/index.js'))) as Package,
  };
}

/**
 * The policies in the folder of a build. They are no part of the package. Files move from one revision to another, but
 * keep their names.
 */
export async function policiesIn(folder: string): Promise<Policies> {
  const source = join(folder, 'src');
  const files = ['least-request', 'round-robin', 'peak-ewma', 'weighted', 'hash-ring'];
  const modules = files.map((name) => {
    const [path] = globSync(join(source, '**', `${name}.ts`)).filter(
      (path) => basename(path) === `${name}.ts`,
    );
    if (path === undefined) throw new Error(`there is no ${name}.ts below ${source}`);
    return load(path);
  });
  return Object.assign({}, ...(await Promise.all(modules))) as Policies;
}

function load(path: string): Promise<object> {
  return import(pathToFileURL(path).href);
}

function run(command: string, args: readonly string[], cwd: string): string {
  const path = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`;
  return execFileSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, PATH: path } });
}
