import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play } from './stories.ts';

for (const seed of [1, 2]) {
  test(`each call settles once, and close() ends, while pods die, hang and come back: ${seed}`, async (t) => {
    await play(t, seed);
  });
}

test('the same story is the same every time', async (t) => {
  assert.deepEqual(await play(t, 7), await play(t, 7));
});
