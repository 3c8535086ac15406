import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertMeasured } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import { jain } from './bed/evenness.ts';

const RATE = 200;
/** Seconds that each way to the pods lasts. */
const PHASE = 5;

describe('ClusterIP → headless → ClusterIP, under load', { concurrency: true }, () => {
  test('stock undici, for comparison', async (t) => {
    const { failures } = await change(t, 'undici');
    assert.deepEqual(failures, {});
  });

  test('none fails, and the pods that are seen have equal shares', async (t) => {
    const { failures, whileHeadless } = await change(t, 'evenkeel');
    assert.deepEqual(failures, {});
    assertMeasured(t, jain(whileHeadless) >= 0.98, whileHeadless.join());
  });
});

async function change(t: TestContext, dispatcher: 'evenkeel' | 'undici') {
  const bed = await startBed(t, { pods: 5 });
  const client = await bed.startClient(dispatcher);
  const loading = client.steady(RATE, 3 * PHASE);
  const counting = bed.countsEachSecond(3 * PHASE);
  await delay(PHASE * 1_000);
  await bed.expose('headless');
  await delay(PHASE * 1_000);
  await bed.expose('cluster-ip');
  const { requests, waited, failures } = await loading;
  const samples = await counting;
  // The last two seconds of that phase: it was noticed by then.
  const [from, to] = [samples[2 * PHASE - 2]!, samples[2 * PHASE]!];
  const whileHeadless = to.map((pod, index) => pod.requests - from[index]!.requests);
  t.diagnostic(
    `${waited} of ${requests} waited on a dial; by pod while headless: ${whileHeadless.join(', ')}`,
  );
  return { failures, whileHeadless };
}
