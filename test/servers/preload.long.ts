import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../support/versions.ts';

const SOURCES = join(import.meta.dirname, '../../src');
const SERVER = join(import.meta.dirname, 'named-server.ts');

interface Names {
  readonly here: readonly (string | null)[];
  readonly thread: readonly (string | null)[];
  readonly process: readonly (string | null)[];
}

async function names(args: readonly string[], env: Record<string, string> = {}): Promise<Names> {
  const { stdout, stderr, code } = await run(process.execPath, [...args, SERVER], env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Names;
}

for (const way of [
  ['--import', `${SOURCES}/identify.ts`],
  ['--require', `${SOURCES}/identify.cts`],
]) {
  test(`${way[0]}: all servers name their process: its threads alike, another process otherwise`, async () => {
    const { here, thread, process } = await names(way);
    assert.match(String(here[0]), /^[\w-]{16}$/);
    assert.equal(here[1], null);
    assert.deepEqual(thread, here);
    assert.match(String(process[0]), /^[\w-]{16}$/);
    assert.notEqual(process[0], here[0]);
  });
}

test('without it, nothing is named; nor is it where evenkeel is switched off', async () => {
  const none = [null, null];
  const nothing = { here: none, thread: none, process: none };
  assert.deepEqual(await names([]), nothing);
  for (const env of [{ EVENKEEL_DISABLED: '1' }, { EVENKEEL_MODE: 'observe' }]) {
    assert.deepEqual(await names(['--import', `${SOURCES}/identify.ts`], env), nothing);
  }
});
