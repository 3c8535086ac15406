import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startBed } from './bed/bed.ts';

/** Seconds. */
const CAP = 5;
const RATE = 20;

// https://learnk8s.io/kubernetes-long-lived-connections
describe('2 clients, 5 pods behind a ClusterIP', { concurrency: true }, () => {
  test('stock undici with a connection each: two pods at most get traffic', async (t) => {
    const requests = await requestsByPod(t, 'undici', { connections: 1 });
    assert.ok(requests.filter((count) => count > 0).length <= 2);
  });

  test('evenkeel: every pod gets traffic within two caps', async (t) => {
    const requests = await requestsByPod(t, 'evenkeel', { maxConnectionDuration: CAP * 1_000 });
    assert.ok(requests.every((count) => count > 0));
  });
});

async function requestsByPod(
  t: TestContext,
  dispatcher: 'evenkeel' | 'undici',
  options: object,
): Promise<number[]> {
  const bed = await startBed(t, { pods: 5 });
  const clients = [await bed.startClient(dispatcher, options), await bed.startClient(dispatcher, options)];
  await Promise.all(clients.map((client) => client.steady(RATE, 2 * CAP)));
  const requests = (await bed.counts()).map((pod) => pod.requests);
  t.diagnostic(`requests by pod: ${requests.join(', ')}`);
  return requests;
}
