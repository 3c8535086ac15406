import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { startPods } from '../../support/pods.ts';
import { forget, shares, weighing } from './weighing.ts';

describe('pods that have weights', { concurrency: 3 }, () => {
  for (const [policy, bar] of [
    ['least-request', 0.1],
    ['round-robin', 0.1],
    ['peak-ewma', 0.25],
  ] as const) {
    test(`${policy}: pods that are alike get requests as they weigh, 1 / 2 / 5, however many at once`, async (t) => {
      const pods = await startPods(t, 3);
      for (const pod of pods) {
        pod.respond = (_request, response) => void setTimeout(() => response.end(), 3 + 2 * Math.random());
      }
      const off: string[] = [];
      for (const concurrency of [1, 4, 8, 50]) {
        // By this clock all are as quick, however busy this machine is.
        const agent = startAgent(t, weighing(pods, [1, 2, 5]), { policy, clock: new FakeClock() });
        await load(agent, 200, concurrency);
        forget(pods);
        await load(agent, 800, concurrency);
        const most = Math.max(...[100, 200, 500].map((due, n) => Math.abs(pods[n]!.requests / due - 1)));
        off.push(`${(most * 100).toFixed(1)} %`);
        assert.ok(most <= bar, `${concurrency} at once: ${shares(pods)}`);
        await agent.close();
      }
      t.diagnostic(`1, 4, 8, 50 at once: off by ${off.join(', ')}`);
    });
  }
});
