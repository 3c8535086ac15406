// Builds the package into dist: declarations by tsc, code by esbuild.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { build } from 'esbuild';

const IMPORT = /import\{([^}]*)\}from"(node:[^"]+)";/g;

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json', '--emitDeclarationOnly'], { stdio: 'inherit' });
const { outputFiles } = await build({
  entryPoints: [
    'src/index.ts',
    'src/register.ts',
    'src/telemetry/opentelemetry.ts',
    'src/telemetry/prometheus.ts',
    'src/cli/main.ts',
    // A chunk of its own, which every entry point begins with.
    'src/global/slots.ts',
  ],
  bundle: true,
  // What most users don't need is imported when it is needed.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifyWhitespace: true,
  minifySyntax: true,
  minifyIdentifiers: true,
  packages: 'external',
  outbase: 'src',
  outdir: 'dist',
  logLevel: 'warning',
  write: false,
});
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lighter(text));
}
chmodSync('dist/cli/main.js', 0o755);

/**
 * Takes modules of Node's from Node itself. For an import, Node would make a list of all that a module has,
 * and to do so load every part of it, which takes half a megabyte all in all.
 */
function lighter(code: string): string {
  return code.replaceAll(IMPORT, (_, names: string, module: string) => {
    return `const{${names.replaceAll(' as ', ':')}}=process.getBuiltinModule("${module}");`;
  });
}
