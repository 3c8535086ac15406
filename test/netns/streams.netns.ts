import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import type { Protocol } from './bed/pod.ts';

const PODS = 5;
const REQUESTS = 30_000;
const SHARE = REQUESTS / PODS;
const CONCURRENCY = 200;
const CAP = 50;

describe(`${CONCURRENCY} HTTP/2 streams at a time, ${CAP} for each connection, ${PODS} endpoints`, () => {
  test('stock undici, for comparison', async (t) => {
    const { requests } = await stream(t, 'h2', 'undici', { maxRequestsPerClient: CAP });
    assert.ok(Math.max(...requests) > 2 * SHARE);
  });

  for (const [name, protocol, options] of [
    ['TLS', 'h2', {}],
    ['TCP', 'h2c', { useH2c: true }],
  ] as const) {
    test(`over ${name}: none fails, no connection carries more, each endpoint has its share ± 2 %`, async (t) => {
      const { failures, requests, mostOnOne } = await stream(t, protocol, 'evenkeel', {
        maxRequestsPerConnection: CAP,
        ...options,
      });
      assert.deepEqual(failures, {});
      assert.ok(mostOnOne <= CAP, `${mostOnOne} on one connection`);
      for (const count of requests) {
        assertMeasured(t, Math.abs(count - SHARE) <= 0.02 * SHARE, requests.join());
      }
    });
  }
});

async function stream(
  t: TestContext,
  protocol: Protocol,
  dispatcher: 'evenkeel' | 'undici',
  options: object,
) {
  const bed = await startBed(t, { pods: PODS, protocol, exposed: 'headless', work: 50 });
  const client = await bed.startClient(dispatcher, options);
  const { failures } = await client.flatOut(REQUESTS, CONCURRENCY);
  const pods = await bed.counts();
  const requests = pods.map((pod) => pod.requests);
  const mostOnOne = Math.max(...pods.map((pod) => pod.mostOnOne));
  t.diagnostic(`requests by pod: ${requests.join(', ')}; at most ${mostOnOne} on one connection`);
  return { failures, requests, mostOnOne };
}
