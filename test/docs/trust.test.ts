import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { page, README, rowsUnder } from '../support/readme.ts';

const rows = rowsUnder('What', page('trust.md'));

/** Whether a part's tests, quick and long, have one of that name, or a template for names like it. */
function hasTest(part: string, name: string): boolean {
  const files = ['test', 'long'].map((kind) => new URL(`../${part}.${kind}.ts`, import.meta.url));
  const source = files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('\n');
  return Array.from(source.matchAll(/\btest\(\s*(['`])(.*?)(?<!\\)\1,/gs)).some(([, quote, given]) => {
    if (quote === "'") return given!.replaceAll("\\'", "'") === name;
    const parts = given!.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return parts.join('').length > 10 && new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}

test('each line of who is trusted with what has tests that there are', () => {
  assert.ok(rows.length > 40, `${rows.length} lines`);
  for (const [what, , , tests] of rows) {
    const named = Array.from(tests!.matchAll(/`([^`]+)`: (.*?)(?=; `|$)/g));
    assert.ok(named.length > 0, `${what} has no test`);
    for (const [, file, name] of named) assert.ok(hasTest(file!, name!), `${what}: ${file}: ${name}`);
  }
});

test('a test that there is not is noticed', () => {
  assert.equal(hasTest('docs/trust', 'a test that there is not is noticed'), true);
  assert.equal(hasTest('docs/trust', 'a test that there is not'), false);
  assert.equal(hasTest('docs/nowhere', 'a test that there is not is noticed'), false);
});

test('the README and SECURITY.md lead to who is trusted with what', () => {
  const security = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
  for (const text of [README, security]) assert.ok(text.includes('](docs/trust.md)'));
});
