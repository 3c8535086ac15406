// Builds the package into dist: tsc takes the types away, Rollup puts what is needed together into few files,
// which import faster than many. Names, comments and lines stay as they are written: whoever installs the
// package, or sees a stack from inside, can read them.

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { type GetModuleInfo, type Plugin, rollup } from 'rollup';

const ENTRY_POINTS = [
  'index',
  'preload',
  'identify-preload',
  'http',
  'grpc',
  'connect',
  'telemetry/opentelemetry',
  'telemetry/prometheus',
  'cli/main',
  'admin/admin-server',
  'bundled',
  // Loaded when there is a use for them, by their paths.
  'transports/grpc/global/part',
  'transports/http/global/part',
];
/** Entry points that are there for CommonJS too. */
const FOR_COMMONJS = ['index', 'http', 'grpc', 'connect', 'telemetry/opentelemetry', 'telemetry/prometheus'];
/** What these and the preloads load when there is a use for it, by its path. */
const LOADED_LATER = [
  'admin/admin-server',
  'transports/grpc/global/part',
  'transports/http/global/part',
  'preload',
  'identify-preload',
];
/** Where `parts.ts` is, which loads others by their paths from the folder that it is in. */
const BALANCING = 'balancing';
/** Of what is loaded with `index`, which modules go into which file: the first line that fits. */
const FILES: readonly (readonly [RegExp, string])[] = [
  // What looks around right before undici is loaded: not earlier, so with nothing that can be loaded without undici.
  [/^transports\/undici\/(undici|global\/slots)\./, 'first'],
  // All that a server needs to name its pod.
  [
    /^(core\/base|servers)\/|^core\/discovery\/addresses\.|^config\/(env|nearest|switches|variables)\./,
    'base',
  ],
  [/^core\/(balancing|endpoints|health|connections)\//, 'connections'],
  // All that metrics need.
  [/^core\//, 'service'],
  [/^(install|parts)\.|^transports\/(undici\/(?!global\/inert)|http\/global\/)/, BALANCING],
  // One of its modules loads undici, and sees to it that nobody notices, before the agent is loaded.
  [/^(?!index\.)/, 'common'],
];
/** The same of what is loaded later by two parts, of which connect-node's is one. Left to Rollup, each module would be a file. */
const LATER: readonly (readonly [RegExp, string])[] = [
  [/^transports\/(http\/(dialer|idle-time|keep-alive|tls-sessions)|common\/identity-of)\./, 'sockets'],
  [/^transports\/(grpc\/(grpc-js|outcome-of|running|session|status-codes)|common\/rpc-options)\./, 'rpc'],
];
/** What is loaded with `index`, by paths. */
let early: Set<string> | undefined;
const NODE_IMPORT = /^import (\w+|\{[^}]*\}) from '(node:[^']+)';$/gm;

const compiled = mkdtempSync(join(tmpdir(), 'evenkeel-build-'));
try {
  rmSync('dist', { recursive: true, force: true });
  execFileSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', compiled], { stdio: 'inherit' });
  // What is read by Nodes that are too old stays as it is.
  const asIs = ['register.js', 'identify.js'].map((name) => join(compiled, name));
  const stays = (path: string) => !path.endsWith('.js') || asIs.includes(path);
  cpSync(compiled, 'dist', { recursive: true, filter: stays });
  withJsExtensions('dist');
  // The page is served as it is written.
  cpSync('src/admin/page', 'dist/admin/page', { recursive: true, filter: (path) => !path.endsWith('.json') });
  await bundle('es', ENTRY_POINTS, [named(), lighter()]);
  await bundle('cjs', [...FOR_COMMONJS, ...LOADED_LATER], [withoutComments()]);
  for (const name of FOR_COMMONJS) await writeTypesForCommonJs(name);
  chmodSync('dist/cli/main.js', 0o755);
} finally {
  rmSync(compiled, { recursive: true });
}

/** In types as well, imports lead to the files that there are to load: older compilers don't find them by `.ts`. */
function withJsExtensions(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.d\.c?ts$/.test(file)) continue;
    const path = join(folder, file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(/(['"]\.{1,2}\/[^'"]+\.c?)ts(['"])/g, '$1js$2'),
    );
  }
}

/**
 * Puts modules together into `.js` files, or `.cjs` files of CommonJS. Node.js uses the former in both cases (package.json
 * has them under `module-sync`), so a process has one copy of evenkeel. The latter are for what can't require a module:
 * Jest, and Node.js with the flag `--no-experimental-require-module`.
 */
async function bundle(
  format: 'es' | 'cjs',
  entryPoints: readonly string[],
  plugins: Plugin[],
): Promise<void> {
  const extension = format === 'es' ? 'js' : 'cjs';
  const bundle = await rollup({
    input: Object.fromEntries(entryPoints.map((name) => [name, join(compiled, `${name}.js`)])),
    // All but files of ours: packages, and Node's modules.
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    treeshake: false,
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
    plugins,
  });
  await bundle.write({
    dir: 'dist',
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: ({ name }) => `${name === BALANCING ? '' : 'chunks/'}[name].${extension}`,
    generatedCode: 'es2015',
    hoistTransitiveImports: false,
    minifyInternalExports: false,
    // Each file takes Node half a millisecond to find, and of the largest one V8 keeps the parser's memory: few files, then, none
    // of which is much larger than half of all. Left to Rollup, it would be one large one, and two dozen small ones.
    manualChunks: (path, { getModuleInfo }) => fileOf(path, getModuleInfo),
  });
  await bundle.close();
}

/**
 * Writes the types of an entry point for CommonJS. Node.js can require a module, but TypeScript doesn't believe that before
 * `nodenext`, and takes the types of a module for what can't be required.
 */
async function writeTypesForCommonJs(name: string): Promise<void> {
  const exported = await import(pathToFileURL(resolve('dist', `${name}.js`)).href);
  const lines = Object.entries(exported).flatMap(([own, value]) => {
    const isClass = typeof value === 'function' && /^class\b/.test(String(value));
    return [
      `export declare const ${own}: Module['${own}'];`,
      ...(isClass ? [`export type ${own} = InstanceType<Module['${own}']>;`] : []),
    ];
  });
  const from = `'./${basename(name)}.js'`;
  const mode = "with: { 'resolution-mode': 'import' }";
  writeFileSync(
    `dist/${name}.d.cts`,
    `export type * from ${from} ${mode.replace(':', '')};
type Module = typeof import(${from}, { ${mode} });
${lines.join('\n')}
`,
  );
}

/** The file of the package that a module is put into, as far as that is not left to Rollup. */
function fileOf(path: string, infoOf: GetModuleInfo): string | undefined {
  early ??= closureOf(join(compiled, 'index.js'), infoOf);
  const name = relative(compiled, path);
  const files = early.has(path) ? FILES : LATER;
  return files.find(([modules]) => modules.test(name))?.[1];
}

/** A file and all that is loaded with it. */
function closureOf(path: string, infoOf: GetModuleInfo, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const next of infoOf(path)?.importedIds ?? [])
    if (next.startsWith('/')) closureOf(next, infoOf, found);
  return found;
}

/** Says in front of each module which one it is. */
function named(): Plugin {
  return {
    name: 'named',
    transform: (code, id) => (code.startsWith('#!') ? code : `// ${relative(compiled, id)}\n\n${code}`),
  };
}

/**
 * Takes modules of Node's from Node itself. For an import, Node would make a list of all that a module has,
 * and to do so load every part of it, which takes half a megabyte all in all.
 */
function lighter(): Plugin {
  return {
    name: 'lighter',
    renderChunk: (code) =>
      code.replaceAll(NODE_IMPORT, (_, names: string, module: string) => {
        return `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule('${module}');`;
      }),
  };
}

/** The readable files are the others. */
function withoutComments(): Plugin {
  return {
    name: 'without-comments',
    renderChunk: (code) => transform(code, { legalComments: 'none' }),
  };
}
