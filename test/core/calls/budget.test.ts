import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '../../../src/core/calls/budget.ts';

const OPTIONS = { budget: 0.2, minRetriesPerSecond: 1 };

/** Spends all there is, and says how much that was. */
function spendAll(budget: RetryBudget, requests: number, now: number): number {
  let spent = 0;
  while (budget.spend(requests, now)) spent++;
  return spent;
}

test('a new budget has ten seconds of free retries', () => {
  assert.equal(spendAll(new RetryBudget(OPTIONS, 0), 0, 0), 10);
});

test('requests and seconds earn retries', () => {
  const budget = new RetryBudget(OPTIONS, 0);
  spendAll(budget, 0, 0);
  assert.equal(spendAll(budget, 20, 0), 4);
  assert.equal(spendAll(budget, 20, 3_000), 3);
  assert.equal(spendAll(budget, 25, 4_000), 2);
});

test('what is unspent is kept for about ten seconds', () => {
  const budget = new RetryBudget(OPTIONS, 0);
  // 100 requests a second for an hour: what the last ten seconds earned.
  const left = spendAll(budget, 360_000, 3_600_000);
  assert.ok(left >= 200 && left <= 220, String(left));
  assert.equal(spendAll(budget, 360_000, 7_200_000), 10);
});

test('in a long storm, retries are a share of requests', () => {
  const budget = new RetryBudget(OPTIONS, 0);
  let retries = 0;
  for (let request = 1; request <= 10_000; request++) if (budget.spend(request, request)) retries++;
  // 2,000 for the requests, and 20 for ten seconds and the start.
  assert.ok(retries > 1_900 && retries <= 2_020, String(retries));
});

test('a clock that is put back earns nothing, and costs nothing', () => {
  const budget = new RetryBudget(OPTIONS, 10_000);
  assert.equal(spendAll(budget, 0, 5_000), 10);
  assert.equal(spendAll(budget, 0, 6_000), 1);
});

test('a budget of nothing allows nothing', () => {
  assert.equal(spendAll(new RetryBudget({ budget: 0, minRetriesPerSecond: 0 }, 0), 1_000, 1_000), 0);
});
