import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertMeasured, RUNS } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import { jain } from './bed/evenness.ts';
import {
  dials,
  evenFrom,
  inWords,
  LENGTH,
  mean,
  PODS,
  requestsByPod,
  scaleOut,
  secondWindow,
  sum,
  WARM_UP,
} from './bed/scale-out.ts';

const RATE = 500;
const HALF = PODS / 2;
/** Without names, chance allows this: see the test of default options. */
const BY_CHANCE = 0.75;

describe('pods with evenkeel/identify behind a ClusterIP, and nothing set in the client', {
  concurrency: 1,
}, () => {
  test("3 pods scale to 10: Jain's index ≥ 0.98 within two caps of 5 s, then ≤ 2 dials a second", async (t) => {
    const runs = await scaleOut(t, { dispatcher: 'evenkeel', identified: true });
    const indexes = runs.map(secondWindow);
    const dialsPerPod = runs.map((run) => dials(run, WARM_UP, evenFrom(run)) / PODS);
    const rates = runs.map((run) => dials(run, LENGTH - 5, LENGTH) / 5);
    t.diagnostic(`Jain's index ${inWords(indexes)}`);
    t.diagnostic(`dials per pod ${inWords(dialsPerPod)}; in the last 5 s ${inWords(rates)} a second`);
    assertMeasured(t, mean(indexes) >= 0.98, inWords(indexes));
    assertMeasured(t, mean(rates) <= 2, inWords(rates));
  });

  test('half of ten have it, half don’t: each half has its share within 25 %; then all do: Jain’s index ≥ 0.98', async (t) => {
    const shares: number[] = [];
    const indexes: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      // The last five take the place of those without a name.
      const bed = await startBed(t, { pods: PODS + HALF, identified: (pod) => pod < HALF || pod >= PODS });
      await bed.select((pod) => pod < PODS);
      const client = await bed.startClient('evenkeel');
      const load = client.steady(RATE, 45);
      await delay(10_000);
      const half = await bed.countsEachSecond(10);
      const requests = requestsByPod(half, 0, 10);
      shares.push(sum(requests.slice(0, HALF)) / sum(requests));
      await bed.select((pod) => pod < HALF || pod >= PODS);
      for (let pod = HALF; pod < PODS; pod++) {
        await delay(500);
        await bed.stop(pod);
      }
      await delay(10_000);
      const all = requestsByPod(await bed.countsEachSecond(10), 0, 10);
      indexes.push(jain([...all.slice(0, HALF), ...all.slice(PODS)]));
      const { failures } = await load;
      assert.deepEqual(failures, {});
    }
    t.diagnostic(
      `those with a name have ${inWords(shares)} of the requests; then Jain's index ${inWords(indexes)}`,
    );
    assertMeasured(t, Math.abs(mean(shares) - 0.5) <= 0.125, inWords(shares));
    assertMeasured(t, mean(indexes) >= 0.98, inWords(indexes));
  });

  for (const kind of ['names itself', 'strips', 'multiplexes'] as const) {
    test(`a proxy in between that ${kind}: as balanced as without the header, 0 failures`, async (t) => {
      const indexes: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const bed = await startBed(t, { pods: PODS, identified: () => true });
        await bed.interpose(kind);
        const client = await bed.startClient('evenkeel', { maxConnectionDuration: '5s' });
        const load = client.steady(200, 14);
        await delay(4_000);
        indexes.push(jain(requestsByPod(await bed.countsEachSecond(10), 0, 10)));
        const { failures } = await load;
        assert.deepEqual(failures, {});
      }
      t.diagnostic(`Jain's index ${inWords(indexes)}`);
      const bar = kind === 'multiplexes' ? 0.98 : BY_CHANCE;
      assertMeasured(t, mean(indexes) >= bar, inWords(indexes));
    });
  }
});
