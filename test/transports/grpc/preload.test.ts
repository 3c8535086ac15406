import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../../support/versions.ts';
import { IMPORT, REQUIRE, testBalanced, testLeft } from './preloading.ts';

describe('with the preload', { concurrency: 2 }, () => {
  testBalanced(IMPORT, 'grpc-imports.mjs');
  testBalanced(REQUIRE, 'grpc-requires.cjs');
  testLeft('EVENKEEL_GRPC', 'false');
});

// Node.js looks through the last ten calls for a package. Listeners on the channel of `require` put more calls in between.
test('a package that requires punycode causes no warning that it does not cause alone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-'));
  t.after(() => rm(folder, { recursive: true }));
  const main = join(folder, 'main.cjs');
  await mkdir(join(folder, 'node_modules', 'old'), { recursive: true });
  await writeFile(join(folder, 'node_modules', 'old', 'index.js'), "require('punycode');");
  await writeFile(main, "require('old');");
  assert.equal((await run(process.execPath, [main])).stderr, '');
  for (const preload of [IMPORT, REQUIRE]) {
    assert.equal((await run(process.execPath, [...preload, main])).stderr, '');
  }
});
