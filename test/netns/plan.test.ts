import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { shortestFirst, TAKES, timeFor } from './bed/plan.ts';

test('it is known of each file how long it takes', () => {
  const files = globSync('*.netns.ts', { cwd: import.meta.dirname });
  assert.deepEqual(Object.keys(TAKES).sort(), files.sort());
});

test('in a short time, the shortest files come first, each with some time to spare', () => {
  const [first, ...others] = shortestFirst(Object.keys(TAKES));
  assert.ok(timeFor(first!) > TAKES[first!]!);
  for (const other of others) assert.ok(TAKES[other]! >= TAKES[first!]!);
});
