import { describe, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import { ballsInBinsRotated } from './bed/evenness.ts';
import {
  CAP,
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
