import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, USUAL } from '../../../src/core/base/backoff.ts';

test('pauses grow with each failure up to the longest, a fifth shorter or longer by chance', () => {
  const pauses = [0, 1, 2, 20].map((failures) => backoff(failures, USUAL, () => 0.5));
  assert.deepEqual(pauses.map(Math.round), [1_000, 1_600, 2_560, 30_000]);
  assert.equal(Math.round(backoff(0, USUAL, () => 0)), 800);
  assert.equal(Math.round(backoff(20, USUAL, () => 1)), 36_000);
});
