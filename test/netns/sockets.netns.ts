import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';
import { jain } from './bed/evenness.ts';

const WEB_SOCKETS = 150;
/** Of ordinary requests. */
const RATE = 500;
/** Seconds: as long as a DNS answer holds, with some slack; and what is looked at then. */
const NOTICE = 3;
const MEASURED = 4;

describe(`${WEB_SOCKETS} WebSockets on 3 pods; the set grows to 6; ${WEB_SOCKETS} more are opened`, () => {
  test('stock undici, for comparison', async (t) => {
    const { open, closed } = await grow(t, 'undici', {});
    assert.equal(sum(open) + sum(closed), 2 * WEB_SOCKETS);
  });

  test('each has 50 ± 1, none was closed, and ordinary requests spread over all six in between', async (t) => {
    // Far less than the sockets live.
    const { requests, open, closed, echoes } = await grow(t, 'evenkeel', { maxConnectionDuration: '2s' });
    for (const count of open) assert.ok(Math.abs(count - 50) <= 1, open.join());
    assert.equal(sum(closed), 0);
    assert.equal(echoes, 2 * WEB_SOCKETS);
    assertMeasured(t, jain(requests) >= 0.99, requests.join());
  });
});

async function grow(t: TestContext, dispatcher: 'evenkeel' | 'undici', options: object) {
  const bed = await startBed(t, { pods: 6, ready: 3, exposed: 'headless' });
  const client = await bed.startClient(dispatcher, options);
  await client.openWebSockets(WEB_SOCKETS);
  await bed.scale(6);
  const noticing = await client.steady(RATE, NOTICE);
  const before = await bed.counts();
  const measured = await client.steady(RATE, MEASURED);
  const after = await bed.counts();
  await client.openWebSockets(WEB_SOCKETS);
  assert.deepEqual([noticing.failures, measured.failures], [{}, {}]);

  const echoes = await client.echoes();
  const webSockets = (await bed.counts()).map((pod) => pod.webSockets);
  const open = webSockets.map(({ opened, closed }) => opened - closed);
  const closed = webSockets.map((sockets) => sockets.closed);
  const requests = after.map((pod, index) => pod.requests - before[index]!.requests);
  t.diagnostic(`WebSockets by pod: ${open.join(', ')}; closed: ${sum(closed)}; alive: ${echoes}`);
  t.diagnostic(`ordinary requests by pod: ${requests.join(', ')}; Jain's index ${jain(requests).toFixed(3)}`);
  return { requests, open, closed, echoes };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
