import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BalancedAgent } from '../../../src/index.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';
import { startPod } from '../../support/pods.ts';

test('new pods of a name serve, though a connection to the old one, which drops packets, has swallowed a request', async (t) => {
  const dns = await startDnsServer(t);
  const old = await startFrozenPod(t);
  const { port } = old.endpoint;
  dns.set('orders.test', [old.address], { ttl: 30 });
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  const get = async (signal: AbortSignal | null = null) => {
    const { body } = await agent.request({
      origin: `http://orders.test:${port}`,
      path: '/',
      method: 'GET',
      signal,
    });
    return body.text();
  };
  assert.equal(await get(), old.address);

  await old.crowd();
  const fresh = await startPod(t, { port });
  dns.set('orders.test', [fresh.address], { ttl: 30 });
  const caller = new AbortController();
  const swallowed = assert.rejects(get(caller.signal));
  // A stock client resolves the name for the connection that this one needs. Without a new answer it waited for 12 s.
  assert.equal(await get(AbortSignal.timeout(8_000)), fresh.address);
  caller.abort();
  await swallowed;
});
