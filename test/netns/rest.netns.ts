import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertMeasured } from './bed/bars.ts';
import { type BedClient, startBed } from './bed/bed.ts';
import type { LoadReport } from './bed/load-client.ts';
import type { PodCounts } from './bed/pod.ts';
import { dials, PODS } from './bed/scale-out.ts';

describe('one client at rest behind a ClusterIP, with default options', { concurrency: 5 }, () => {
  test('500 requests a second: 32 connections, ≤ 0.8 dials a second', async (t) => {
    const seconds = 80;
    const bed = await startBed(t, { pods: PODS });
    const client = await bed.startClient('evenkeel');
    const counting = bed.countsEachSecond(seconds);
    const { failures } = await client.steady(500, seconds);
    const run = await counting;
    const rate = dials(run, 20, seconds) / (seconds - 20);
    t.diagnostic(`${dials(run, 0, 20)} dials in the first 20 s, then ${rate.toFixed(2)} a second`);
    assert.deepEqual(failures, {});
    assertMeasured(t, Math.abs(dials(run, 0, 20) - 32) <= 2, `${dials(run, 0, 20)} connections`);
    assertMeasured(t, rate <= 0.8, `${rate}`);
  });

  for (const rate of [1, 5]) {
    test(`${rate} a second: ≤ 2 % wait on a dial`, (t) => trickle(t, (client) => client.steady(rate, 100)));
  }

  test('bursts of 50 every 10 s, at pods that end idle connections after 5 s: no more wait than with stock undici', (t) =>
    trickle(t, (client) => client.bursts(50, 10, 10)));

  test('the same at pods that keep idle connections for 75 s, as those of nginx: ≤ 2 % wait on a dial', async (t) => {
    const bed = await startBed(t, { pods: 3, keepAlive: 75_000 });
    const client = await bed.startClient('evenkeel');
    const { failures: first } = await client.bursts(50, 2, 10);
    const before = sum(await bed.counts());
    await delay(10_000);
    const { requests, waited, failures } = await client.bursts(50, 10, 10);
    const dialled = sum(await bed.counts()) - before;
    t.diagnostic(`${waited} of ${requests} waited; ${before} dials for two bursts, then ${dialled}`);
    assert.deepEqual([first, failures], [{}, {}]);
    assertMeasured(t, waited <= requests * 0.02, `${waited} of ${requests} waited`);
    // Each of them reaches its age twice at most in that time, and has one successor.
    assertMeasured(t, dialled <= 3 * 50, `${dialled} dials`);
  });
});

function sum(counts: readonly PodCounts[]): number {
  return counts.reduce((all, { connections }) => all + connections, 0);
}

async function trickle(t: TestContext, load: (client: BedClient) => Promise<LoadReport>): Promise<void> {
  const bed = await startBed(t, { pods: 3 });
  const [stock, client] = [await bed.startClient('undici'), await bed.startClient('evenkeel')];
  const [beside, { requests, waited, failures }] = await Promise.all([load(stock), load(client)]);
  t.diagnostic(`${waited} of ${requests} waited, ${beside.waited} with stock undici`);
  assert.deepEqual(failures, {});
  assertMeasured(t, waited <= Math.max(requests * 0.02, 1, beside.waited), `${waited} of ${requests} waited`);
}
