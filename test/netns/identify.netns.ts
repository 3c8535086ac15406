import { describe, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import {
  dials,
  evenFrom,
  inWords,
  LENGTH,
  mean,
  PODS,
  scaleOut,
  secondWindow,
  WARM_UP,
} from './bed/scale-out.ts';

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
});
