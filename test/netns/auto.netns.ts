import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import { type BedClient, startBed } from './bed/bed.ts';
import { ballsInBinsRotated } from './bed/evenness.ts';
import type { LoadReport } from './bed/load-client.ts';
import {
  CAP,
  dials,
  inWords,
  LENGTH,
  mean,
  PODS,
  type Run,
  requestsByPod,
  scaleOut,
  secondWindow,
  WARM_UP,
  WINDOW,
} from './bed/scale-out.ts';

const options = { maxConnectionDuration: CAP * 1_000 };

describe('3 pods behind a ClusterIP scale to 10, with default options but for a cap of 5 s', {
  concurrency: 3,
}, () => {
  for (const [clients, rate, bar] of [
    [1, 500, 0.85],
    [1, 100, 0.85],
    [5, 500, 0.95],
  ] as const) {
    test(`${clients} × ${rate / clients} requests a second: Jain's index ≥ ${bar}`, async (t) => {
      const runs = await scaleOut(t, { dispatcher: 'evenkeel', options, clients, rate });
      const indexes = runs.map(secondWindow);
      const theory = ballsInBinsRotated({
        connections: clients * 32,
        pods: PODS,
        window: WINDOW / CAP,
        jitter: 0.25,
      });
      t.diagnostic(`Jain's index ${inWords(indexes)}; theory ${theory.toFixed(2)} for 32 connections each`);
      assertMeasured(t, mean(indexes) >= bar, inWords(indexes));
      const most = runs.flatMap(mostByWindow);
      const over = most.filter((shares) => shares > 3).length;
      t.diagnostic(`the most loaded pod has ${inWords(most)} fair shares, by window of one cap`);
      // A pod with more than three shares in one window of twenty at most.
      assertMeasured(t, over <= most.length / 20, `${over} of ${most.length}`);
    });
  }
});

/** How many fair shares the most loaded pod has, in each window of one cap after the scaling has come into effect. */
function mostByWindow(run: Run): number[] {
  const shares: number[] = [];
  for (let from = WARM_UP + CAP; from + CAP <= LENGTH; from += CAP) {
    const requests = requestsByPod(run, from, from + CAP);
    shares.push(Math.max(...requests) / mean(requests));
  }
  return shares;
}

describe('one client at rest behind a ClusterIP, with default options', { concurrency: 4 }, () => {
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

  test('bursts of 50 every 10 s: ≤ 2 % wait on a dial', (t) =>
    trickle(t, (client) => client.bursts(50, 10, 10)));
});

async function trickle(t: TestContext, load: (client: BedClient) => Promise<LoadReport>): Promise<void> {
  const bed = await startBed(t, { pods: 3 });
  const [stock, client] = [await bed.startClient('undici'), await bed.startClient('evenkeel')];
  const [beside, { requests, waited, failures }] = await Promise.all([load(stock), load(client)]);
  t.diagnostic(`${waited} of ${requests} waited, ${beside.waited} with stock undici`);
  assert.deepEqual(failures, {});
  assertMeasured(t, waited <= Math.max(requests * 0.02, 1, beside.waited), `${waited} of ${requests} waited`);
}
