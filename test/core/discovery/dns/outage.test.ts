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

for (const [what, code] of [
  ['no such name', 'ENOTFOUND'],
  ['a failure', 'ESERVFAIL'],
] as const) {
  test(`of requests that wait, a first answer that says ${what} fails one, and a second one the others`, async (t) => {
    const dns = await startDnsServer(t);
    const pod = await startPod(t);
    const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
    t.after(() => agent.destroy());
    const spoil = (name: string) => {
      if (code === 'ESERVFAIL') dns.misbehave(name, { rcode: 'SERVFAIL' });
      else dns.remove(name);
    };
    const get = async (name: string) => {
      const { body } = await agent.request({
        origin: `http://${name}:${pod.port}`,
        path: '/',
        method: 'GET',
      });
      return body.text();
    };
    spoil('once.test');
    const once = Array.from({ length: 5 }, () => get('once.test'));
    await assert.rejects(Promise.race(once), { code });
    dns.behave('once.test');
    dns.set('once.test', [pod.address]);
    assert.equal((await Promise.allSettled(once)).filter(({ status }) => status === 'fulfilled').length, 4);

    spoil('always.test');
    const always = Array.from({ length: 5 }, () => get('always.test'));
    await Promise.all(always.map((request) => assert.rejects(request, { code })));
    assert.ok(dns.count('always.test', 'A') <= 2, 'a stock client asks five times');
  });
}
