import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertMeasured, RUNS } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import { jain } from './bed/evenness.ts';
import { inWords, mean, PODS, requestsByPod, sum } from './bed/scale-out.ts';

const RATE = 500;
const HALF = PODS / 2;

interface Rollout {
  /** The share of those that have it, while half of them do. */
  readonly share: number;
  /** Jain's index when all do. */
  readonly index: number;
}

test('half of ten pods have evenkeel/identify, half don’t: each half has its share within 25 %; then all do: Jain’s index ≥ 0.98', {
  // One after the other they take too long.
  concurrency: 2,
}, async (t) => {
  const done: Rollout[] = [];
  const runs = Array.from({ length: RUNS }, (_, n) =>
    t.test(`run ${n + 1}`, async (t) => void done.push(await rollOut(t))),
  );
  await Promise.all(runs);
  const [shares, indexes] = [done.map(({ share }) => share), done.map(({ index }) => index)];
  t.diagnostic(
    `those with a name have ${inWords(shares)} of the requests; then Jain's index ${inWords(indexes)}`,
  );
  assertMeasured(t, Math.abs(mean(shares) - 0.5) <= 0.125, inWords(shares));
  assertMeasured(t, mean(indexes) >= 0.98, inWords(indexes));
});

/** Five of ten pods have a name; five others, with one, take the place of those without. */
async function rollOut(t: TestContext): Promise<Rollout> {
  const bed = await startBed(t, { pods: PODS + HALF, identified: (pod) => pod < HALF || pod >= PODS });
  await bed.select((pod) => pod < PODS);
  const client = await bed.startClient('evenkeel');
  const load = client.steady(RATE, 43);
  await delay(10_000);
  const half = requestsByPod(await bed.countsEachSecond(10), 0, 10);
  await bed.select((pod) => pod < HALF || pod >= PODS);
  for (let pod = HALF; pod < PODS; pod++) {
    await delay(500);
    await bed.stop(pod);
  }
  await delay(10_000);
  const all = requestsByPod(await bed.countsEachSecond(10), 0, 10);
  const { failures } = await load;
  assert.deepEqual(failures, {});
  return {
    share: sum(half.slice(0, HALF)) / sum(half),
    index: jain([...all.slice(0, HALF), ...all.slice(PODS)]),
  };
}
