import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { callbacksIn, callbacksOf } from './callbacks.ts';
import { circles, sourceOf, sourcesIn, upward } from './imports.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOURCES = sourcesIn(join(ROOT, 'src'));
const MOST_LINES = 300;
const A_DOZEN = 12;
const BIOME = join(ROOT, 'node_modules/.bin/biome');

test('no file imports what stands above it', () => {
  assert.deepEqual(upward(SOURCES), []);
});

test('one that does is found', () => {
  const planted = sourceOf('core/health/planted.ts', "import type { Pool } from '../connections/pool.ts';\n");
  assert.deepEqual(upward([...SOURCES, planted]), ['core/health/planted.ts -> core/connections/pool.ts']);
});

test('no files import each other in a circle, be it types, or late', () => {
  assert.deepEqual(circles(SOURCES), []);
});

test('a circle is found, of types, or of an import that comes late', () => {
  for (const text of ["import type { B } from './b.ts';", "const b = await import('./b.ts');"]) {
    const planted = [sourceOf('core/a.ts', text), sourceOf('core/b.ts', "export { A } from './a.ts';")];
    assert.deepEqual(circles([...SOURCES, ...planted]), ['core/a.ts -> core/b.ts -> core/a.ts']);
  }
});

test('no file of the core or of a transport is longer than one reads in one go', () => {
  const long = SOURCES.map(({ file }) => file)
    .filter((file) => /^(core|transports)\//.test(file))
    .filter((file) => readFileSync(join(ROOT, 'src', file), 'utf8').split('\n').length - 1 > MOST_LINES);
  assert.deepEqual(long, []);
});

// For each look at one, V8 leaves compiled code for its C++ runtime (`%LoadPrivateGetter`), be the code optimized or not.
// A private method has no such cost.
test('no private getter is in the core, which each request goes through', () => {
  const slow = SOURCES.map(({ file }) => file)
    .filter((file) => file.startsWith('core/'))
    .filter((file) => /^ +(static )?get #/m.test(readFileSync(join(ROOT, 'src', file), 'utf8')));
  assert.deepEqual(slow, []);
});

test('a folder of more than a dozen files has a README, which names its files and no others', () => {
  const folders = Map.groupBy(SOURCES, ({ file }) => dirname(file));
  // The entry points are in docs/architecture.md.
  folders.delete('.');
  for (const [folder, sources] of folders) {
    const readme = join(ROOT, 'src', folder, 'README.md');
    if (!existsSync(readme)) {
      assert.ok(sources.length <= A_DOZEN, `src/${folder} has no README.md`);
      continue;
    }
    const below = SOURCES.filter(({ file }) => file.startsWith(`${folder}/`)).map(({ file }) => file);
    const named = Array.from(readFileSync(readme, 'utf8').matchAll(/`([\w./-]+\.ts)`/g), ([, name]) => name!);
    for (const name of named)
      assert.ok(
        below.some((file) => file.endsWith(`/${name}`)),
        `src/${folder}/README.md names ${name}`,
      );
    const unnamed = sources.map(({ file }) => basename(file)).filter((name) => !named.includes(name));
    assert.deepEqual(unnamed, [], `src/${folder}/README.md`);
  }
});

/** What the linter says of a file of that text, were it at that path: in a house of its own, with our rules. */
function lint(path: string, text: string): string {
  const house = mkdtempSync(join(tmpdir(), 'evenkeel-house-'));
  try {
    copyFileSync(join(ROOT, 'biome.json'), join(house, 'biome.json'));
    mkdirSync(join(house, dirname(path)), { recursive: true });
    writeFileSync(join(house, path), text);
    const args = ['lint', '--colors=off', '--vcs-enabled=false', path];
    const { stdout, stderr } = spawnSync(BIOME, args, { cwd: house, encoding: 'utf8' });
    return stdout + stderr;
  } finally {
    rmSync(house, { recursive: true });
  }
}

for (const path of ['undici', 'node:http', '../../../config/env.ts', '../../../transports/undici/agent.ts']) {
  test(`the linter keeps ${basename(path)} out of the core`, () => {
    const said = lint(
      'src/core/base/planted.ts',
      `import * as planted from '${path}';\nexport { planted };\n`,
    );
    assert.match(said, /noRestrictedImports/);
    const elsewhere = lint('src/transports/undici/planted.ts', `import 'undici';\n`);
    assert.doesNotMatch(elsewhere, /noRestrictedImports/);
  });
}

const WRITE = /\b(?:endpoint|pod|connection|candidate|other)\.(\w+)\s*(?:[-+|&?]{0,2}=(?![=>])|\+\+|--)/g;

/** The fields that files of ours write, by the names that endpoints and connections go by, as far as the paths match. */
function written(path: RegExp): { file: string; name: string }[] {
  return SOURCES.filter(({ file }) => path.test(file)).flatMap(({ file }) =>
    Array.from(readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(WRITE), ([, name]) => ({
      file,
      name: name!,
    })),
  );
}

test('nobody but their own folders writes the fields of endpoints and connections', () => {
  // Those that pickers keep on an endpoint are of a class of their own folder.
  const balanced = readFileSync(join(ROOT, 'src/core/balancing/balanced.ts'), 'utf8');
  const ofPickers = Array.from(balanced.matchAll(/^ {2}(\w+)(?:: \w+)? = /gm), ([, name]) => name!);
  assert.deepEqual(ofPickers, ['slot', 'lagging']);
  const isOfPickers = ({ name }: { name: string }) => ofPickers.includes(name);
  assert.deepEqual(written(/^core\/(endpoints|connections)\//).filter(isOfPickers), []);
  assert.deepEqual(
    written(/^core\/balancing\//).filter((write) => !isOfPickers(write)),
    [],
  );
  assert.deepEqual(written(/^(core|transports|telemetry)\/(?!endpoints|connections|balancing)/), []);
});

test('one that is written is found', () => {
  const planted = 'endpoint.load++; connection.retired ??= reason; if (endpoint.load === 1) return;';
  const names = Array.from(planted.matchAll(WRITE), ([, name]) => name);
  assert.deepEqual(names, ['load', 'retired']);
});

test('the interfaces by which parts call back are few, and no class is told by more than two', () => {
  const texts = SOURCES.map(({ file }) => readFileSync(join(ROOT, 'src', file), 'utf8'));
  const names = new Set(callbacksOf(SOURCES, join(ROOT, 'src')));
  assert.ok(names.size <= 8, [...names].join(', '));
  const classes = texts.flatMap((text) =>
    Array.from(text.matchAll(/class (\w+)[^{]*? implements ([^{]+)\{/g), ([, name, list]) => ({
      name: name!,
      told: list!.match(/\w+/g)!.filter((word) => names.has(word)),
    })),
  );
  assert.deepEqual(
    classes.filter(({ told }) => told.length > 2),
    [],
  );
});

test('one is found by its name, or by its shape', () => {
  const planted = [
    'export interface PoolOwner {\n  done(): void;\n}\n',
    'export interface PoolOptions {\n  clock: Clock;\n  onQuiet: () => void;\n  onFull?: () => void;\n}\n',
    'interface Plain<T> extends Other<T> {\n  readonly name: string;\n  onQuiet(): void;\n}\n',
  ];
  assert.deepEqual(callbacksIn(planted.join('')), ['PoolOwner', 'PoolOptions']);
});
