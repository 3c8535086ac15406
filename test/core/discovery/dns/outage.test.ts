import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { startDnsServer } from '../../../support/dns-server.ts';
import { startPod } from '../../../support/pods.ts';
import { testOutages } from './outages.ts';

// Longer ones, which are in the long file, end alike: nothing grows while nothing is known.
testOutages(2_200);

test('a request is failed only by a question that was asked after it came', async (t) => {
  const dns = await startDnsServer(t);
  const pod = await startPod(t);
  dns.set('orders.test', [pod.address]);
  dns.misbehave('*', { rcode: 'SERVFAIL' });
  const release = dns.hold('orders.test');
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  const get = () => agent.request({ origin: `http://orders.test:${pod.port}`, path: '/', method: 'GET' });
  const early = assert.rejects(get(), { code: 'ESERVFAIL' });
  await dns.received('orders.test');
  const late = get();
  release();
  await early;
  dns.behave('*');
  await (await late).body.dump();
});
