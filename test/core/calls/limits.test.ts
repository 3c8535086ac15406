import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

const LIMITS: Record<string, BalancedAgentOptions> = {
  'limits of connections': { connections: 2 },
  'limits of requests': { maxRequestsPerEndpoint: 10 },
  'no limits': {},
};

/** Two pods, of which one is not used any more; the other one breaks the next connection. */
async function startPair(t: TestContext, options: BalancedAgentOptions, retryAfter: boolean) {
  const [out, left] = (await startPods(t, 2)) as [Pod, Pod];
  const headers = retryAfter ? { 'retry-after': '30' } : {};
  out.respond = (_request, response) => response.writeHead(503, headers).end();
  const agent = startAgent(t, [out, left], { policy: 'round-robin', ...options });
  const ask = async () => {
    const { statusCode, body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
    return statusCode;
  };
  for (let n = 0; n < 20; n++) await ask();
  const { requests } = out;
  const { respond } = left;
  left.respond = (request) => {
    left.respond = respond;
    request.socket.destroy();
  };
  return { ask, unused: () => out.requests === requests };
}

for (const [what, options] of Object.entries(LIMITS)) {
  for (const [why, retryAfter] of [
    ['ejected', false],
    ['paused', true],
  ] as const) {
    test(`with ${what}, a retry does not wait for a pod that is ${why}`, async (t) => {
      const { ask, unused } = await startPair(t, options, retryAfter);
      const watch = startStopwatch();
      assert.equal(await ask(), 200);
      assert.ok(watch() < 2_000, `${watch()} ms`);
      assert.ok(unused());
    });
  }
}

for (const [what, options] of Object.entries(LIMITS)) {
  test(`with ${what}, a request for which no pod may be used fails when its time is over`, async (t) => {
    const pods = await startPods(t, 1);
    pods[0]!.respond = (_request, response) => response.writeHead(503).end();
    const agent = startAgent(t, pods, {
      ...options,
      endpointTimeout: 300,
      outlierDetection: { panicThreshold: 0, consecutiveFailures: 1 },
    });
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
    await assert.rejects(agent.request({ origin: ORIGIN, path: '/', method: 'GET' }), {
      code: 'EVENKEEL_NO_ENDPOINTS',
    });
  });
}

test('with limits, a retry waits for a pod that is busy', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { connections: 1, policy: 'round-robin' });
  const get = (path: string) => agent.request({ origin: ORIGIN, path, method: 'GET' });
  const slow = get('/slow');
  await Promise.race(pods.map((pod) => pod.received('/slow')));
  const [busy, other] = pods[0]!.paths.includes('/slow') ? [pods[0]!, pods[1]!] : [pods[1]!, pods[0]!];
  const { respond } = other;
  other.respond = (request) => {
    other.respond = respond;
    request.socket.destroy();
    setTimeout(() => busy.release('/slow'), 20);
  };
  const { body } = await get('/');
  assert.equal(await body.text(), busy.address);
  await (await slow).body.dump();
});
