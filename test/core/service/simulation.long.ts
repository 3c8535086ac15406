import { test } from 'node:test';
import { play } from './stories.ts';

for (const seed of [3, 4, 5, 6]) {
  test(`each call settles once, and close() ends, while pods die, hang and come back: ${seed}`, async (t) => {
    await play(t, seed);
  });
}
