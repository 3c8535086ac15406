import assert from 'node:assert/strict';
import test from 'node:test';
import { addressesOf, type Endpoints, type Following, type Setup, setUp } from './setup.ts';

/** Moves time on to when the resolver asks again. */
async function next(clock: Setup['clock'], following: Following): Promise<Endpoints> {
  const resolution = following.next();
  while (clock.pending > 0) clock.advance(1);
  return resolution;
}

/** Follows a name that has addresses for a second, and no more after that. */
async function scaledToZero(t: Parameters<typeof setUp>[0], options: Parameters<typeof setUp>[1] = {}) {
  const setup = await setUp(t, options);
  setup.dns.set('orders.test', ['10.0.1.1', '10.0.1.2'], { ttl: 1 });
  const orders = setup.follow('orders.test');
  await orders.next();
  setup.dns.remove('orders.test');
  return { ...setup, orders };
}

test('a headless Service without ready pods, NXDOMAIN, has its last addresses withdrawn', async (t) => {
  const { clock, orders } = await scaledToZero(t);
  const resolution = await next(clock, orders);
  assert.deepEqual(addressesOf(resolution), ['10.0.1.1', '10.0.1.2']);
  assert.equal(resolution.withdrawn, true);
  assert.equal(resolution.validUntil, undefined);
  assert.equal(resolution.matchedName, 'orders.test');
  assert.equal(clock.now(), 1_000);
});

test('a name that loses its addresses but stays has them withdrawn too', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t);
  dns.set('orders.test', []);
  assert.equal((await next(clock, orders)).withdrawn, true);
});

test('a withdrawn name is asked for again within a second each time, also after a failure', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t, { random: () => 0.5 });
  const delays: number[] = [];
  for (let absences = 0; absences < 6; absences++) {
    const from = clock.now();
    assert.equal((await next(clock, orders)).withdrawn, true);
    delays.push(clock.now() - from);
  }
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  for (let failures = 0; failures < 3; failures++) {
    const from = clock.now();
    const failure = orders.failure();
    while (clock.pending > 0) clock.advance(1);
    await failure;
    delays.push(clock.now() - from);
  }
  assert.deepEqual(delays.slice(1), Array(8).fill(900));
  dns.behave('orders.test');

  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  await next(clock, orders);
  dns.remove('orders.test');
  await next(clock, orders);
  const from = clock.now();
  await next(clock, orders);
  assert.equal(clock.now() - from, 900);
});

test('a withdrawn name is not asked for more often than the smallest time to live', async (t) => {
  const { clock, orders } = await scaledToZero(t, { minTtl: 10_000 });
  await next(clock, orders);
  const from = clock.now();
  await next(clock, orders);
  assert.equal(clock.now() - from, 10_000);
});

test('a name that comes back in time is as before', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t);
  while (clock.now() < 25_000) assert.equal((await next(clock, orders)).withdrawn, true);
  dns.set('orders.test', ['10.0.1.3'], { ttl: 1 });
  const resolution = await next(clock, orders);
  assert.deepEqual(addressesOf(resolution), ['10.0.1.3']);
  assert.equal(resolution.withdrawn, undefined);
  assert.equal(resolution.validUntil, clock.now() + 31_000);
});

test('after 30 s nothing is held any more, and then the name is not found', async (t) => {
  const { clock, orders } = await scaledToZero(t);
  let resolution = await next(clock, orders);
  while (resolution.withdrawn) resolution = await next(clock, orders);
  assert.deepEqual(resolution, { endpoints: [], source: 'dns' });
  assert.equal(clock.now(), 31_000);
  assert.equal((await orders.failure()).error.code, 'ENOTFOUND');
  assert.equal(clock.now(), 31_000, 'at once');
});

test('a name that comes back later is found by who wants to know', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t, { negativeHold: 0 });
  assert.deepEqual((await next(clock, orders)).endpoints, []);
  await orders.failure();
  dns.set('orders.test', ['10.0.1.3'], { ttl: 1 });
  assert.deepEqual(addressesOf(await next(clock, orders)), ['10.0.1.3']);
});

test('the hold starts anew each time', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t, { negativeHold: 3_000 });
  await next(clock, orders);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  await next(clock, orders);
  dns.remove('orders.test');
  assert.equal((await next(clock, orders)).withdrawn, true);
  const from = clock.now();
  let resolution = await next(clock, orders);
  while (resolution.withdrawn) resolution = await next(clock, orders);
  assert.equal(clock.now() - from, 3_000);
});

test('a failure in between neither brings the addresses back nor ends the hold', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t);
  await next(clock, orders);
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  const failure = orders.failure();
  while (clock.pending > 0) clock.advance(1);
  await failure;
  dns.behave('orders.test');
  assert.equal((await next(clock, orders)).withdrawn, true);
});

test('a name that is gone after a long outage is still held for its time', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t);
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  while (clock.now() < 120_000) {
    const failure = orders.failure();
    while (clock.pending > 0) clock.advance(1);
    await failure;
  }
  dns.behave('orders.test');
  assert.equal((await next(clock, orders)).withdrawn, true);
});

test('a name that went while nobody used the service is held for what is left of the time', async (t) => {
  const { clock, orders } = await scaledToZero(t);
  clock.advance('20s');
  assert.equal((await orders.next()).withdrawn, true);
  clock.advance('11s');
  assert.deepEqual((await orders.next()).endpoints, []);
});

test('a name that went long before anybody wanted to know again is not held', async (t) => {
  const { clock, orders } = await scaledToZero(t);
  clock.advance('10m');
  assert.deepEqual((await orders.next()).endpoints, []);
  assert.equal((await orders.failure()).error.code, 'ENOTFOUND');
});

test('a service that starts while a name is withdrawn does not find it', async (t) => {
  const { clock, orders, follow } = await scaledToZero(t);
  await next(clock, orders);
  assert.equal((await follow('orders.test').failure()).error.code, 'ENOTFOUND');
});

test('an entry that is taken out of the hosts file is withdrawn', async (t) => {
  const { clock, hosts, follow } = await setUp(t);
  hosts('10.0.1.1 orders.test');
  const orders = follow('orders.test');
  await orders.next();
  hosts('');
  const resolution = await next(clock, orders);
  assert.equal(resolution.withdrawn, true);
  assert.equal(resolution.source, 'hosts');
});

test('a server that is silent for a moment while a name is withdrawn is asked again half a second later', async (t) => {
  const { dns, clock, orders } = await scaledToZero(t);
  await next(clock, orders);
  dns.set('orders.test', ['10.0.1.1']);
  dns.misbehave('orders.test', 'silent');
  const asked = dns.count('orders.test');
  const back = orders.addresses();
  clock.advance('1s');
  await dns.received('orders.test', asked + 1);
  dns.behave('orders.test');
  clock.advance(500);
  assert.deepEqual(await back, ['10.0.1.1']);
});
