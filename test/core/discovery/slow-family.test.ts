import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BalancedAgent } from '../../../src/index.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';
import { startPod } from '../../support/pods.ts';
import { startStock } from '../../support/stock-resolving.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

/** Milliseconds by which it may take longer than with a stock client: a question for the other family, and a busy machine. */
const MORE = 500;

test('a name whose IPv4 address drops packets is reached by its IPv6 one, about as soon as with a stock client', async (t) => {
  const dns = await startDnsServer(t);
  const dropping = await startFrozenPod(t);
  await dropping.crowd();
  const { port } = dropping.endpoint;
  await startPod(t, { address: '::1', port });
  dns.set('orders.test', [dropping.address, '::1']);
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  const stock = startStock(t, dns.address, 'both');
  const took: number[] = [];
  for (const dispatcher of [stock, agent, agent]) {
    const watch = startStopwatch();
    const { statusCode, body } = await dispatcher.request({
      origin: `http://orders.test:${port}`,
      path: '/',
      method: 'GET',
    });
    await body.dump();
    assert.equal(statusCode, 200);
    took.push(watch());
  }
  t.diagnostic(
    `stock ${Math.round(took[0]!)} ms, ours ${Math.round(took[1]!)}, then ${Math.round(took[2]!)} ms`,
  );
  assert.ok(took[1]! <= took[0]! + MORE, String(took));
  assert.ok(took[2]! <= MORE, String(took));
});

test('a name whose addresses all are slow stays in its family, and is served by it when that takes the connection', async (t) => {
  const dns = await startDnsServer(t);
  const slow = await startFrozenPod(t);
  await slow.crowd();
  const { port } = slow.endpoint;
  // Nobody listens there: what is known is not given up for it.
  dns.set('orders.test', [slow.address, '::1']);
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  const answer = agent.request({ origin: `http://orders.test:${port}`, path: '/', method: 'GET' });
  await dns.received('orders.test', 2);
  slow.restore();
  const { statusCode, body } = await answer;
  await body.dump();
  assert.equal(statusCode, 200);
  const [service] = Object.values(agent.stats);
  assert.deepEqual(
    service?.endpoints.map(({ address }) => address),
    [`${slow.address}:${port}`],
  );
});

for (const [what, options] of [
  ['families are not to be selected', { autoSelectFamily: false }],
  ['one family is asked for', { dns: { family: 4 } }],
] as const) {
  test(`where ${what}, no other is tried`, async (t) => {
    const dns = await startDnsServer(t);
    const dropping = await startFrozenPod(t);
    await dropping.crowd();
    const { port } = dropping.endpoint;
    const other = await startPod(t, { address: '::1', port });
    dns.set('orders.test', [dropping.address, '::1']);
    const agent = new BalancedAgent({
      ...options,
      dns: { servers: [dns.address], ...('dns' in options ? options.dns : undefined) },
    });
    t.after(() => agent.destroy());
    const request = agent.request({
      origin: `http://orders.test:${port}`,
      path: '/',
      method: 'GET',
      signal: AbortSignal.timeout(1_000),
    });
    await assert.rejects(request, { name: 'TimeoutError' });
    assert.deepEqual(other.connections, []);
    assert.equal(dns.count('orders.test', 'AAAA'), 0);
  });
}
