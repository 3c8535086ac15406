import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page, rowsUnder } from '../support/readme.ts';
import { DIFFERENCES } from '../transports/http/traces/differences.ts';
import { SCENARIOS } from '../transports/http/traces/play.ts';

const text = page('node-http.md');
const same = rowsOf('What is the same');
const other = rowsOf('What is not the same');

function rowsOf(title: string): string[][] {
  const [section] = text.slice(text.indexOf(`## ${title}`) + 3).split('\n## ');
  return rowsUnder('What', section!);
}

test('what is the same is played in scenarios that there are', () => {
  assert.ok(same.length > 10);
  for (const [what, scenarios] of same) {
    const names = Array.from(scenarios!.matchAll(/`([^`]+)`/g), ([, name]) => name!);
    assert.ok(names.length > 0, what);
    for (const name of names) assert.ok(Object.hasOwn(SCENARIOS, name), name);
  }
  assert.ok(text.includes(`plays ${Object.keys(SCENARIOS).length} scenarios`));
});

test('what is not the same is all that the scenarios may differ in', () => {
  assert.deepEqual(other.map(([what]) => what).toSorted(), DIFFERENCES.map(({ what }) => what).toSorted());
});

test('what differs does so in scenarios that there are', () => {
  for (const { scenarios = [] } of DIFFERENCES)
    for (const name of scenarios) assert.ok(Object.hasOwn(SCENARIOS, name), name);
});
