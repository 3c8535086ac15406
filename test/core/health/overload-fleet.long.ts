import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';

const PODS = 10;
const RATE = 500;
const SECONDS = 5;
/** Milliseconds that a pod takes: so many that the noise of a busy machine is little beside it. */
const TAKES = 40;

type Say = (response: ServerResponse) => void;

const say =
  (statusCode: number): Say =>
  (response) =>
    response.writeHead(statusCode, { 'retry-after': '10' }).end();

/** What a fleet makes of requests at an even rate, of which some are answered in another way. */
async function play(t: TestContext, limit: (n: number) => Say | undefined) {
  const pods: Pod[] = await startPods(t, PODS);
  let served = 0;
  for (const pod of pods) {
    pod.respond = (_request, response) => {
      const special = limit(served++);
      if (special !== undefined) special(response);
      else setTimeout(() => response.end('yes'), TAKES);
    };
  }
  const agent = startAgent(t, pods, { policy: 'least-request' });
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  let fewest = PODS;
  let before = pods.map(() => 0);
  const begun = performance.now();
  for (let n = 0; n < RATE * SECONDS; n++) {
    const due = begun + (n * 1_000) / RATE;
    if (due > performance.now() + 1) await sleep(due - performance.now());
    // Where this process was held up, pods and answers have their turns between the requests all the same.
    else await turn();
    pending.push(
      agent.request({ origin: ORIGIN, path: '/', method: 'GET' }).then(async ({ body }) => {
        await body.dump();
        latencies.push(performance.now() - due);
      }),
    );
    if (n % (RATE / 2) !== RATE / 2 - 1) continue;
    const requests = pods.map((pod) => pod.requests);
    const inUse = requests.filter((count, index) => count > before[index]!).length;
    if (n > RATE) fewest = Math.min(fewest, inUse);
    before = requests;
  }
  await Promise.all(pending);
  latencies.sort((a, b) => a - b);
  await agent.close();
  return { fewest, p99: latencies[Math.floor(latencies.length * 0.99)]! };
}

test('what is said to one of many callers, once a second, leaves a fleet in use', async (t) => {
  for (const [what, limit] of [
    ['429 once a second', (n) => (n % RATE === RATE - 1 ? say(429) : undefined)],
    ['503 once a second', (n) => (n % RATE === RATE - 1 ? say(503) : undefined)],
    ['429 of all pods, for a second', (n) => (n > RATE && n < 2 * RATE ? say(429) : undefined)],
    ['503 of all pods, for a second', (n) => (n > RATE && n < 2 * RATE ? say(503) : undefined)],
  ] as [string, (n: number) => Say | undefined][]) {
    // At the same time, so that a machine that is busy is so for both.
    const [usual, { fewest, p99 }] = await Promise.all([play(t, () => undefined), play(t, limit)]);
    const ratio = p99 / usual.p99;
    console.log(`${what}: ${fewest} of ${PODS} pods in use at least, p99 ${ratio.toFixed(2)} × that without`);
    assert.ok(fewest >= 7, `${what}: ${fewest} in use`);
    assert.ok(ratio <= 1.5, `${what}: p99 is ${ratio} × that without`);
  }
});
