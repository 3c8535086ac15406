// A test file that is none of the tests: `npm run simulate -- --coverage` runs it to see what of the core is reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './campaign.ts';

/** Scenarios: ten of each theme, and more. */
const SEEDS = 400;
const theme = process.env.SIMULATION_THEME;

test('what is measured is played', async () => {
  const { seeds } = await campaign({
    seed: 1,
    seeds: SEEDS,
    calls: Number.POSITIVE_INFINITY,
    seconds: Number.POSITIVE_INFINITY,
    theme,
    stopsAtFirst: false,
  });
  assert.deepEqual(seeds, []);
});
