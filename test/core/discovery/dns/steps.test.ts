import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LookUpStep } from '../../../../src/core/discovery/dns/look-up.ts';
import { setUp } from './setup.ts';

test('a look-up tells which source it asked for which name, and what it answered', async (t) => {
  const steps: LookUpStep[] = [];
  const world = await setUp(t, { onStep: (step) => steps.push(step) });
  world.resolvConf('search web.svc.test svc.test\noptions ndots:5');
  world.dns.set('orders.prod.svc.test', ['10.0.0.1', '10.0.0.2'], { ttl: 5 });
  await world.follow('orders.prod').next();
  const told = steps.map(
    ({ source, name, addresses, ttl }) =>
      `${source} ${name}: ${addresses.map(({ address }) => address)} ${ttl ?? ''}`,
  );
  assert.deepEqual(told, [
    'hosts orders.prod:  ',
    'dns orders.prod.web.svc.test:  ',
    'dns orders.prod.svc.test: 10.0.0.1,10.0.0.2 5000',
  ]);
});

test('it tells of failures, and of the system’s resolver', async (t) => {
  const steps: LookUpStep[] = [];
  const getaddrinfo = () => Promise.resolve(['10.0.0.3']);
  const world = await setUp(t, { onStep: (step) => steps.push(step), getaddrinfo });
  world.dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  await world.follow('orders.test').next();
  const [, dns, system] = steps;
  assert.equal((dns!.error as NodeJS.ErrnoException).code, 'ESERVFAIL');
  assert.deepEqual(system?.addresses, [{ address: '10.0.0.3' }]);
  assert.equal(system?.source, 'getaddrinfo');
});
