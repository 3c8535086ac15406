import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { load, ORIGIN, startAgent } from '../../support/agent.ts';
import { startPods } from '../../support/pods.ts';

export const PODS = 5;
/** Milliseconds that a pod takes. */
export const TAKES = 20;
/** Milliseconds for which requests are counted. */
const PERIOD = 1_500;

/** Of requests that take a while, one pod answers its own with an error at once: it gets no more of them for that. */
export async function err(
  t: TestContext,
  policy: 'least-request' | 'peak-ewma',
  status: number,
): Promise<void> {
  const pods = await startPods(t, PODS);
  for (const pod of pods) pod.respond = (_request, response) => setTimeout(() => response.end('yes'), TAKES);
  const agent = startAgent(t, pods, { policy });
  await load(agent, 200, 20);
  pods[0]!.respond = (_request, response) => response.writeHead(status).end();
  let failed = 0;
  let all = 0;
  const until = performance.now() + PERIOD;
  const ask = async () => {
    while (performance.now() < until) {
      const { statusCode, body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
      await body.dump();
      all++;
      if (statusCode !== 200) failed++;
    }
  };
  await Promise.all(Array.from({ length: 20 }, ask));
  const share = failed / all;
  console.log(
    `a pod of ${PODS} answers ${status} at once, ${policy}: ${(share * 100).toFixed(1)} % of the requests`,
  );
  // A connection that is picked at random, as kube-proxy does it, leads to it once in five times.
  assert.ok(share < 1.5 / PODS, `a share of ${share}`);
}
