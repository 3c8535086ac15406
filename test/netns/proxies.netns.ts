import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertMeasured, RUNS } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import { jain } from './bed/evenness.ts';
import type { ProxyKind } from './bed/proxy.ts';
import { inWords, mean, PODS, requestsByPod } from './bed/scale-out.ts';

/** Without names, chance allows this: see the test of default options. */
const BY_CHANCE = 0.75;

describe('a proxy between a client and pods with evenkeel/identify', { concurrency: 3 }, () => {
  for (const kind of ['names itself', 'strips', 'multiplexes'] as const) {
    test(`one that ${kind}: as balanced as without the header, 0 failures`, async (t) => {
      const indexes: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        await t.test(`run ${run + 1}`, async (t) => void indexes.push(await evennessBehind(t, kind)));
      }
      t.diagnostic(`Jain's index ${inWords(indexes)}`);
      const bar = kind === 'multiplexes' ? 0.98 : BY_CHANCE;
      assertMeasured(t, mean(indexes) >= bar, inWords(indexes));
    });
  }
});

/** Jain's index of the pods' requests over two caps. */
async function evennessBehind(t: TestContext, kind: ProxyKind): Promise<number> {
  const bed = await startBed(t, { pods: PODS, identified: () => true });
  await bed.interpose(kind);
  const client = await bed.startClient('evenkeel', { maxConnectionDuration: '5s' });
  const load = client.steady(200, 14);
  await delay(4_000);
  const counts = await bed.countsEachSecond(10);
  const { failures } = await load;
  assert.deepEqual(failures, {});
  return jain(requestsByPod(counts, 0, 10));
}
