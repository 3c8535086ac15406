import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { published } from '../../support/channel.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { startPassingClock } from '../../support/passing-clock.ts';
import { nextAddress, startPod } from '../../support/pods.ts';
import { startStock } from '../../support/stock-resolving.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

test('pods that were all replaced before their TTL was over cost no request, as with a stock client', async (t) => {
  const dns = await startDnsServer(t);
  const old = await startPod(t);
  dns.set('orders.test', [old.address], { ttl: 30 });
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  const stock = startStock(t, dns.address);
  const request = { origin: `http://orders.test:${old.port}`, path: '/', method: 'GET' } as const;
  for (const dispatcher of [agent, stock]) await (await dispatcher.request(request)).body.dump();

  await old.kill();
  const pods = [await startPod(t, { port: old.port }), await startPod(t, { port: old.port })];
  dns.set(
    'orders.test',
    pods.map(({ address }) => address),
    { ttl: 30 },
  );
  for (const dispatcher of [stock, agent]) {
    const { statusCode, body } = await dispatcher.request(request);
    await body.dump();
    assert.equal(statusCode, 200);
  }
});

for (const [what, gone, live] of [
  ['IPv4', nextAddress(), '::1'],
  ['IPv6', '::1', nextAddress()],
] as const) {
  test(`a name whose ${what} addresses refuse connections is reached by its others, as with a stock client`, async (t) => {
    const dns = await startDnsServer(t);
    const old = await startPod(t, { address: gone });
    const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
    t.after(() => agent.destroy());
    const stock = startStock(t, dns.address, 'both');
    const request = { origin: `http://orders.test:${old.port}`, path: '/', method: 'GET' } as const;
    // The address family in which a name was found is where it is looked for first.
    dns.set('orders.test', [gone]);
    await (await agent.request(request)).body.dump();

    await old.kill();
    await startPod(t, { address: live, port: old.port });
    dns.set('orders.test', [gone, live]);
    for (const dispatcher of [stock, agent, agent]) {
      const { statusCode, body } = await dispatcher.request(request);
      await body.dump();
      assert.equal(statusCode, 200);
    }
  });
}

test('a name that goes from one address family to the other and back is followed', async (t) => {
  const dns = await startDnsServer(t);
  const four = await startPod(t);
  const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
  t.after(() => agent.destroy());
  dns.set('orders.test', [four.address, '::1'], { ttl: 1 });
  const request = { origin: `http://orders.test:${four.port}`, path: '/', method: 'GET' } as const;
  const ask = async (): Promise<number> => {
    const { statusCode, body } = await agent.request(request);
    await body.dump();
    return statusCode;
  };
  assert.equal(await ask(), 200);

  await four.kill();
  const six = await startPod(t, { address: '::1', port: four.port });
  assert.equal(await ask(), 200);

  await six.kill();
  await assert.rejects(ask(), { code: 'ECONNREFUSED' });
  const again = await startPod(t, { address: four.address, port: four.port });
  const watch = startStopwatch();
  while ((await ask().catch(() => 0)) !== 200) assert.ok(watch() < 2_500);
  assert.ok(again.requests > 0);
});

test('a name whose addresses refuse connections is asked for ten times a second at most', async (t) => {
  const dns = await startDnsServer(t);
  dns.set('orders.test', [nextAddress(), nextAddress()], { ttl: 30 });
  // An answer that is slow to come, as on a busy machine, costs questions of its own.
  const clock = startPassingClock(t);
  const agent = new BalancedAgent({ dns: { servers: [dns.address] }, clock });
  t.after(() => agent.destroy());
  const start = clock.now();
  while (clock.now() < start + 1_000) {
    const request = agent.request({ origin: 'http://orders.test:9', path: '/', method: 'GET' });
    await assert.rejects(request, { code: 'ECONNREFUSED' });
  }
  const seconds = (clock.now() - start) / 1000;
  assert.ok(dns.count('orders.test') > 2);
  assert.ok(dns.count('orders.test') <= 2 + 10 * seconds, `${dns.count('orders.test')} in ${seconds} s`);
});

for (const [what, onUnreachable, message] of [
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    'no idea',
  ],
  ['rejects', () => Promise.reject(new Error('no idea')), 'no idea'],
  ['is no function', 'soon', 'the resolver yielded {"onUnreachable":"soon"}; expected a function'],
] as const) {
  test(`an onUnreachable that ${what} is an error of discovery, and harms nobody`, async (t) => {
    const error = published('evenkeel:discovery:error') as Promise<{ error: Error }>;
    const agent = startAgent(t, [], {
      discovery: async function* (_target, signal) {
        yield {
          endpoints: [{ address: nextAddress(), port: 9 }],
          source: 'test',
          onUnreachable: onUnreachable as () => void,
        };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const request = { origin: ORIGIN, path: '/', method: 'GET' } as const;
    await assert.rejects(agent.request(request));
    await assert.rejects(agent.request(request));
    await new Promise(setImmediate);
    assert.equal(agent.stats[ORIGIN]?.discovery.error?.message, message);
    assert.equal((await error).error.message, message);
  });
}
