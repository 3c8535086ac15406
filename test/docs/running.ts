import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compile, type Project } from '../support/package.ts';
import type { Example } from '../support/readme.ts';
import { type Run, run } from '../support/versions.ts';

/** Files beside a program, by their paths. */
type Files = Readonly<Record<string, string>>;

/** Runs a program in a project that has evenkeel, with these variables; it must end well, and without a word of complaint. */
export async function runExample(
  project: Project,
  code: string,
  env: Record<string, string>,
  files: Files = {},
): Promise<Run> {
  const folder = mkdtempSync(join(project.folder, 'example-'));
  const file = join(folder, 'example.ts');
  write(folder, { ...files, 'example.ts': code });
  const ended = await run(process.execPath, [file], env);
  assert.deepEqual([ended.code, ended.stderr], [0, ''], code);
  return ended;
}

/** Has the compiler check programs. */
export function assertSound(project: Project, programs: readonly Example[], files: Files = {}): void {
  const folder = mkdtempSync(join(project.folder, 'types-'));
  write(folder, files);
  for (const { code, line } of programs) writeFileSync(join(folder, `line-${line}.ts`), code);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: ['node'],
    skipLibCheck: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  compile('-p', join(folder, 'tsconfig.json'));
}

function write(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A demo's output without its numbers, and what it printed as time went by. */
export function skeleton(output: string): string {
  return output
    .replace(/^ *\d+ s {2}.*\n/gm, '')
    .replace(/[\d.]+/g, '0')
    .replace(/[█▏▎▍▌▋▊▉]/g, '')
    .replace(/ +/g, ' ');
}
