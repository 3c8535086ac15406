import assert from 'node:assert/strict';
import test from 'node:test';
import { setUp } from './setup.ts';

test('a name is asked for again when its time to live has run out, and not before', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 5 });
  const orders = follow('orders.test');
  await orders.next();
  dns.set('orders.test', ['10.0.1.1', '10.0.1.2'], { ttl: 5 });
  const next = orders.addresses();
  clock.advance(4_999);
  assert.equal(clock.pending, 1, 'still waiting');
  clock.advance(1);
  assert.deepEqual(await next, ['10.0.1.1', '10.0.1.2']);
});

for (const [ttl, waits] of [
  [0, '1s'],
  [12, '12s'],
  [3_600, '30s'],
  [2 ** 31 - 1, '30s'],
] as const) {
  test(`a time to live of ${ttl} s makes for a refresh after ${waits}`, async (t) => {
    const { dns, clock, follow } = await setUp(t);
    dns.set('orders.test', ['10.0.1.1'], { ttl });
    const orders = follow('orders.test');
    await orders.next();
    const next = orders.next();
    clock.advance(waits);
    await next;
    assert.equal(dns.count('orders.test'), 2);
    assert.equal(clock.now(), Number.parseInt(waits, 10) * 1000);
  });
}

test('the bounds of the time to live are options', async (t) => {
  const { dns, follow } = await setUp(t, { minTtl: 10_000, maxTtl: 20_000, negativeHold: 1_000 });
  dns.set('short.test', ['10.0.1.1'], { ttl: 1 });
  dns.set('long.test', ['10.0.1.1'], { ttl: 60 });
  assert.equal((await follow('short.test').next()).validUntil, 11_000);
  assert.equal((await follow('long.test').next()).validUntil, 21_000);
});

test('the smallest time to live among the records counts', async (t) => {
  const { dns, follow } = await setUp(t, { negativeHold: 0 });
  dns.setRecords('orders.test', [
    { type: 'A', address: '10.0.1.1', ttl: 20 },
    { type: 'A', address: '10.0.1.2', ttl: 4 },
  ]);
  assert.equal((await follow('orders.test').next()).validUntil, 4_000);
});

test('a refresh comes up to a tenth early, at random, and the answer holds to the end all the same', async (t) => {
  for (const [random, at] of [
    [0, 10_000],
    [0.5, 9_500],
    [0.999, 9_001],
  ] as const) {
    const { dns, clock, follow } = await setUp(t, { random: () => random });
    dns.set('orders.test', ['10.0.1.1'], { ttl: 10 });
    const orders = follow('orders.test');
    assert.equal((await orders.next()).validUntil, 40_000);
    const next = orders.next();
    clock.advance(at - 1);
    assert.equal(clock.pending, 1, 'still waiting');
    clock.advance(1);
    await next;
  }
});

test('each refresh says anew how long the addresses hold, also when they stayed the same', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 5 });
  const orders = follow('orders.test');
  assert.equal((await orders.next()).validUntil, 35_000);
  const next = orders.next();
  clock.advance('5s');
  assert.equal((await next).validUntil, 40_000);
});

test('nothing is asked while nobody wants to know, and at once when somebody does again', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 5 });
  const orders = follow('orders.test');
  await orders.next();
  assert.equal(clock.pending, 0);
  clock.advance('1h');
  dns.set('orders.test', ['10.0.1.2'], { ttl: 5 });
  assert.deepEqual(await orders.addresses(), ['10.0.1.2']);
  assert.equal(dns.count('orders.test'), 2);
});

test('services that look up a name at the same time share one question', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const release = dns.hold('orders.test');
  const services = [
    follow('orders.test', { port: 80 }),
    follow('orders.test', { port: 443, protocol: 'https:' }),
    ...Array.from({ length: 48 }, () => follow('Orders.Test', { port: 8080 })),
  ];
  const answers = Promise.all(services.map((service) => service.next()));
  await dns.received('orders.test');
  release();
  const ports = (await answers).map(({ endpoints }) => endpoints[0]?.port);
  assert.deepEqual(ports, [80, 443, ...Array(48).fill(8080)]);
  assert.equal(dns.count('orders.test'), 1);
});

test('a service that comes later has the answer that is fresh, and refreshes with the others', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 10 });
  const first = follow('orders.test');
  await first.next();
  clock.advance('4s');
  const second = follow('orders.test', { port: 8080 });
  assert.equal((await second.next()).validUntil, 40_000);
  assert.equal(dns.count('orders.test'), 1);
  const next = Promise.all([first.next(), second.next()]);
  clock.advance('6s');
  const [one, other] = await next;
  assert.equal(one.validUntil, 50_000);
  assert.equal(other.validUntil, 50_000);
  assert.equal(dns.count('orders.test'), 2);
});

test('different names do not wait for each other', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('slow.test', ['10.0.1.1']);
  dns.set('quick.test', ['10.0.1.2']);
  const release = dns.hold('slow.test');
  const slow = follow('slow.test').addresses();
  await dns.received('slow.test');
  assert.deepEqual(await follow('quick.test').addresses(), ['10.0.1.2']);
  release();
  assert.deepEqual(await slow, ['10.0.1.1']);
});

test('a scale-out, a scale-in and a rollout are each seen within a time to live', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  const steps = [
    ['10.0.1.1', '10.0.1.2', '10.0.1.3'],
    ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4', '10.0.1.5', '10.0.1.6'],
    ['10.0.1.2', '10.0.1.5'],
    ['10.0.2.1', '10.0.2.2'],
  ];
  const orders = follow('orders.test');
  for (const pods of steps) {
    dns.set('orders.test', pods, { ttl: 1 });
    const next = orders.addresses();
    clock.advance('1s');
    assert.deepEqual(await next, pods);
  }
});

test('a name none of whose addresses can be reached is asked for at once, and then ten times a second', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 30 });
  const orders = follow('orders.test');
  await orders.next();
  clock.advance(1);
  for (const [answers, waits] of [
    [2, 0],
    [3, 100],
    [4, 100],
  ] as const) {
    dns.set('orders.test', [`10.0.1.${answers}`], { ttl: 30 });
    const next = orders.addresses();
    assert.equal(orders.unreachable?.(), true, 'there will be news');
    // What waits sees the doubt in a later microtask.
    await new Promise(setImmediate);
    if (waits > 0) assert.equal(clock.pending, 1, 'still waiting');
    clock.advance(waits);
    assert.deepEqual(await next, [`10.0.1.${answers}`]);
    assert.equal(dns.count('orders.test'), answers);
  }
});

test('a name in doubt is asked for at once in the middle of a back-off, too', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  const orders = follow('orders.test');
  await orders.next();
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  for (let failures = 0; failures < 8; failures++) {
    const failure = orders.failure();
    clock.advance('30s');
    await failure;
  }
  dns.behave('orders.test');
  dns.set('orders.test', ['10.0.1.2'], { ttl: 1 });
  const next = orders.addresses();
  orders.unreachable?.();
  assert.deepEqual(await next, ['10.0.1.2']);
});

test('a name whose addresses take no connection for a while is asked for before its time, once a second at most', async (t) => {
  const { dns, clock, follow } = await setUp(t, { family: 4 });
  dns.set('orders.test', ['10.0.1.1'], { ttl: 30 });
  const orders = follow('orders.test');
  await orders.next();
  dns.set('orders.test', ['10.0.1.2'], { ttl: 30 });
  let next = orders.addresses();
  // What was asked for a moment ago is what anybody would be told.
  orders.slow!();
  clock.advance(250);
  orders.slow!();
  assert.deepEqual(await next, ['10.0.1.2']);
  assert.equal(dns.count('orders.test', 'A'), 2);

  dns.set('orders.test', ['10.0.1.3'], { ttl: 30 });
  next = orders.addresses();
  for (let quarters = 0; quarters < 4; quarters++) {
    orders.slow!();
    clock.advance(250);
  }
  orders.slow!();
  assert.deepEqual(await next, ['10.0.1.3']);
  assert.equal(dns.count('orders.test', 'A'), 3);
});
