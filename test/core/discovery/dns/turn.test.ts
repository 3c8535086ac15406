import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { interfaces, setUp } from './setup.ts';

test('a name of the hosts file is turned to its other address family, and back a second later', async (t) => {
  const { clock, follow, hosts, dns } = await setUp(t);
  hosts('10.0.1.1 orders\nfd00::1 orders');
  const orders = follow('orders');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
  const turned = orders.addresses();
  orders.unreachable?.();
  assert.deepEqual(await turned, ['fd00::1']);
  clock.advance('5s');
  assert.deepEqual(await orders.addresses(), ['fd00::1'], 'kept when it is looked up again');
  const back = orders.addresses();
  orders.unreachable?.();
  assert.deepEqual(await back, ['10.0.1.1']);
  assert.equal(dns.count('orders'), 0, 'no name server is asked for it');
});

test('a name is not turned to addresses that this host has no way to', async (t) => {
  const { dns, follow } = await setUp(t, { networkInterfaces: () => interfaces('127.0.0.1', '10.0.0.1') });
  dns.set('orders.test', ['10.0.1.1', 'fd00::1']);
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
  const next = orders.addresses();
  orders.unreachable?.();
  assert.deepEqual(await next, ['10.0.1.1']);
});

test('with dns.family a name keeps to that family', async (t) => {
  const { dns, follow } = await setUp(t, { family: 4 });
  dns.set('orders.test', ['10.0.1.1', 'fd00::1']);
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
  const next = orders.addresses();
  orders.unreachable?.();
  assert.deepEqual(await next, ['10.0.1.1']);
  assert.equal(dns.count('orders.test', 'AAAA'), 0);
});

test('a name server that says nothing of the other address family holds nobody up', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
  dns.misbehave('orders.test', { silentOn: 'AAAA' });
  const next = orders.addresses();
  orders.unreachable?.();
  while (dns.count('orders.test', 'AAAA') === 0) await nextTurn();
  const watch = startStopwatch();
  clock.advance('500ms');
  assert.deepEqual(await next, ['10.0.1.1']);
  assert.ok(watch() < 2_500, 'resolv.conf has it wait for five seconds');
});

test('what a name server says of the other address family counts, though this process stood still before it read it', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1', 'fd00::1']);
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
  const next = orders.addresses();
  orders.unreachable?.();
  // The server answers in the turn in which it is asked, and nobody has read it when time runs out.
  while (dns.count('orders.test', 'AAAA') === 0) await nextTurn();
  clock.advance('500ms');
  assert.deepEqual(await next, ['fd00::1']);
});
