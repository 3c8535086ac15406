import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPods } from '../../support/pods.ts';
import { ask, startAgent } from './asking.ts';

for (const policy of ['least-request', 'round-robin', 'peak-ewma'] as const) {
  test(`with ${policy}, a pod that answers 503 at once fails few requests, and never gets more than its share`, async (t) => {
    const pods = await startPods(t, 5);
    for (const pod of pods) {
      pod.respond = (_request, response) => setTimeout(() => response.end('yes'), 10);
    }
    const period = 400;
    const agent = startAgent(t, pods, {
      policy,
      outlierDetection: { baseEjectionTime: period, maxEjectionTime: period },
    });
    await Promise.all(Array.from({ length: 50 }, () => ask(agent)));
    const bad = pods[0]!;
    bad.respond = (_request, response) => {
      response.statusCode = 503;
      response.end('no');
    };
    const [before, begun] = [bad.requests, performance.now()];
    const pending: Promise<number | string>[] = [];
    let worst = 0;
    for (let n = 1; n <= 1_000; n++) {
      pending.push(ask(agent));
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      if (n >= 50) worst = Math.max(worst, (bad.requests - before) / n);
    }
    const failed = (await Promise.all(pending)).filter((status) => status !== 200).length;
    // Ejections are shortened by a fifth at most.
    const periods = Math.ceil((performance.now() - begun) / (period * 0.8));
    assert.ok(failed <= 10 + periods, `${failed} failures in ${periods} periods`);
    assert.ok(worst <= 0.2, `a share of ${worst}`);
  });
}
