// Builds the package into dist: tsc takes the types away, Rollup puts what is needed together into few files,
// which import faster than many. Names, comments and lines stay as they are written: whoever installs the
// package, or sees a stack from inside, can read them.

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Plugin, rollup } from 'rollup';

const ENTRY_POINTS = [
  'index',
  'preload',
  'identify-preload',
  'http',
  'grpc',
  'telemetry/opentelemetry',
  'telemetry/prometheus',
  'cli/main',
  'admin/admin-server',
  // A file of its own, which every entry point begins with.
  'transports/undici/global/slots',
];
const NODE_IMPORT = /^import \{([^}]*)\} from '(node:[^']+)';$/gm;

const compiled = mkdtempSync(join(tmpdir(), 'evenkeel-build-'));
try {
  rmSync('dist', { recursive: true, force: true });
  execFileSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', compiled], { stdio: 'inherit' });
  // What is read by Nodes that are too old stays as it is.
  const asIs = ['register.js', 'identify.js'].map((name) => join(compiled, name));
  const stays = (path: string) => !path.endsWith('.js') || asIs.includes(path);
  cpSync(compiled, 'dist', { recursive: true, filter: stays });
  // The page is served as it is written.
  cpSync('src/admin/page', 'dist/admin/page', { recursive: true, filter: (path) => !path.endsWith('.json') });
  const bundle = await rollup({
    input: Object.fromEntries(ENTRY_POINTS.map((name) => [name, join(compiled, `${name}.js`)])),
    // All but files of ours: packages, and Node's modules.
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    treeshake: false,
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
    plugins: [named(), lighter()],
  });
  await bundle.write({
    dir: 'dist',
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    generatedCode: 'es2015',
    hoistTransitiveImports: false,
    minifyInternalExports: false,
  });
  await bundle.close();
  chmodSync('dist/cli/main.js', 0o755);
} finally {
  rmSync(compiled, { recursive: true });
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
        return `const {${names.replaceAll(' as ', ': ')}} = process.getBuiltinModule('${module}');`;
      }),
  };
}
