import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ticksOf } from '../../../src/core/base/ticks.ts';
import { Latency, quantile } from '../../../src/core/endpoints/latency.ts';
import { seededRandom } from '../../support/random.ts';

/** Counts durations in milliseconds, at a moment in milliseconds. */
function count(latency: Latency, durations: readonly number[], now = 0): void {
  for (const duration of durations) latency.count(ticksOf(duration), ticksOf(now));
}

function quantiles(latency: Latency, now = 0): number[] | undefined {
  const recent = latency.recent(ticksOf(now));
  return recent && [0.5, 0.99].map((share) => quantile(recent, share));
}

test('p50 and p99 are those of the durations, to about a tenth', () => {
  const random = seededRandom(7);
  for (const scale of [0.2, 3, 40, 900, 20_000]) {
    const durations = Array.from({ length: 2_000 }, () => scale * (0.5 - Math.log(1 - random())));
    const latency = new Latency();
    count(latency, durations);
    const sorted = durations.toSorted((a, b) => a - b);
    for (const [index, share] of [0.5, 0.99].entries()) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
      const told = quantiles(latency)![index]!;
      // A bucket is a quarter of a power of two wide, or a sixteenth of a millisecond.
      assert.ok(Math.abs(told - exact) <= Math.max(0.15 * exact, 0.07), `${told} for ${exact}`);
    }
  }
});

test('of many in a window, one in four is counted and stands for four, and quantiles are the same', () => {
  const random = seededRandom(7);
  const latency = new Latency();
  const durations: number[] = [];
  let counted = 0;
  for (let n = 0; n < 100_000; n++) {
    // Every fourth is slow: the draw may have nothing to do with an order that callers have.
    const duration = n % 4 === 0 ? 500 : 3 * (0.5 - Math.log(1 - random()));
    durations.push(duration);
    const weight = latency.weightOfNext(ticksOf(n / 5));
    if (weight === 0) continue;
    counted++;
    latency.count(ticksOf(duration), ticksOf(n / 5 + duration), weight);
  }
  assert.ok(counted > 24_000 && counted < 27_500, `${counted}`);
  const sorted = durations.toSorted((a, b) => a - b);
  const recent = latency.recent(ticksOf(20_000))!;
  for (const share of [0.5, 0.7, 0.8, 0.99]) {
    const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
    const told = quantile(recent, share);
    assert.ok(Math.abs(told - exact) <= 0.2 * exact, `${told} for ${exact}`);
  }
});

test('after a moment without any, each is counted again', () => {
  const latency = new Latency();
  count(latency, new Array(5_000).fill(2));
  assert.ok([0, 4].includes(latency.weightOfNext(ticksOf(1_000))));
  assert.equal(latency.weightOfNext(ticksOf(31_000)), 1);
  count(latency, [2], 31_000);
  assert.equal(latency.weightOfNext(ticksOf(32_000)), 1);
});

test('what takes no time, or longer than all buckets, is counted all the same', () => {
  const latency = new Latency();
  count(latency, [0, 0, 0, 10_000_000]);
  const [p50, p99] = quantiles(latency)!;
  assert.ok(p50! < 0.1);
  assert.ok(p99! > 100_000 && p99! <= 2 ** 17, `${p99}`);
});

test('what was slow a minute ago is forgotten, and what was slow just now is not', () => {
  const latency = new Latency();
  const p99At = (now: number) => quantiles(latency, now)?.[1];
  count(latency, new Array(100).fill(800), 1_000);
  count(latency, new Array(100).fill(2), 25_000);
  assert.ok(p99At(25_000)! > 700);
  count(latency, new Array(100).fill(2), 32_000);
  assert.ok(p99At(45_000)! > 700);
  count(latency, new Array(100).fill(2), 63_000);
  assert.ok(p99At(63_000)! < 5);
});

test('an endpoint without requests in the last minute has none', () => {
  const latency = new Latency();
  assert.equal(quantiles(latency), undefined);
  count(latency, [5], 1_000);
  assert.notEqual(quantiles(latency, 40_000), undefined);
  assert.equal(quantiles(latency, 62_000), undefined);
  count(latency, [5], 300_000);
  const recent = latency.recent(ticksOf(300_000))!;
  assert.equal(
    recent.reduce((sum, each) => sum + each, 0),
    1,
  );
});

test('the moments of the clock may wrap', () => {
  const latency = new Latency();
  const wrap = 2 ** 31 / 16;
  count(latency, [5, 5, 5], wrap - 10_000);
  count(latency, [5], wrap + 1_000);
  assert.equal(
    latency.recent(ticksOf(wrap + 1_000))!.reduce((sum, each) => sum + each, 0),
    4,
  );
});
