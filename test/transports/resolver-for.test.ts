import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { BalancedHttpAgent } from '../../src/http.ts';
import { BalancedAgent } from '../../src/index.ts';
import { sharedResolverFor } from '../../src/transports/resolver-for.ts';
import { get } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { ask } from '../support/http-agent.ts';
import { startPod } from '../support/pods.ts';

test('agents that ask for the same have the same resolver, and others have their own', () => {
  const same = sharedResolverFor(resolveSettings({}, {}));
  assert.equal(sharedResolverFor(resolveSettings({ policy: 'round-robin' }, {})), same);
  assert.notEqual(sharedResolverFor(resolveSettings({ dns: { maxTtl: 5_000 } }, {})), same);
  assert.notEqual(sharedResolverFor(resolveSettings({ discovery: 'dns' }, {})), same);
  assert.notEqual(sharedResolverFor(resolveSettings({ clock: new FakeClock() }, {})), same);
});

test('a name is looked up once, whether undici or node:http wants to know', async (t) => {
  const pod = await startPod(t);
  const server = await startDnsServer(t);
  server.set('orders.test', [pod.address], { ttl: 60 });
  const options = { discovery: 'dns' as const, dns: { servers: [server.address] } };
  const dispatcher = new BalancedAgent(options);
  const agent = new BalancedHttpAgent(options);
  t.after(() => Promise.all([dispatcher.destroy(), agent.destroy()]));
  const host = 'orders.test';
  await get(dispatcher, '/', `http://${host}:${pod.port}`);
  // More than one if the machine is so busy that the question was asked again.
  const lookups = server.count(host);
  assert.equal((await ask(agent, { host, port: pod.port })).body, pod.address);
  assert.equal(server.count(host), lookups);
});
