import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type Following, setUp } from './setup.ts';

const TEN = Array.from({ length: 10 }, (_, n) => `10.0.1.${n}`);

/** Follows a name, and yields the addresses after each refresh. */
async function follow(t: TestContext) {
  const { dns, clock, follow: start } = await setUp(t);
  const following: Following = start('orders.test');
  const next = async () => {
    const addresses = following.addresses();
    clock.advance('1s');
    return addresses;
  };
  return { dns, next };
}

for (const size of [3, 4, 7]) {
  test(`answers that have ${size} of ten addresses by turns are one set of ten, which stays as it is`, async (t) => {
    const { dns, next } = await follow(t);
    dns.setSample('orders.test', TEN, size, { ttl: 1 });
    for (let answers = 0; answers < 12; answers++) await next();
    for (let answers = 0; answers < 30; answers++) assert.deepEqual(await next(), TEN);
  });
}

test('an address that has left such a set goes after ten answers without it', async (t) => {
  const { dns, next } = await follow(t);
  dns.setSample('orders.test', TEN, 4, { ttl: 1 });
  for (let answers = 0; answers < 12; answers++) await next();
  dns.setSample('orders.test', TEN.slice(1), 4, { ttl: 1 });
  for (let answers = 0; answers < 10; answers++) await next();
  assert.deepEqual(await next(), TEN.slice(1));
});

test('an answer of another size is taken as it is', async (t) => {
  const { dns, next } = await follow(t);
  dns.setSample('orders.test', TEN, 4, { ttl: 1 });
  for (let answers = 0; answers < 12; answers++) await next();
  dns.set('orders.test', TEN.slice(0, 3), { ttl: 1 });
  assert.deepEqual(await next(), TEN.slice(0, 3));
});

test('a rollout that keeps the number of pods is followed at once', async (t) => {
  const { dns, next } = await follow(t);
  for (let first = 0; first + 3 <= TEN.length; first++) {
    const pods = TEN.slice(first, first + 3);
    dns.set('orders.test', pods, { ttl: 1 });
    assert.deepEqual(await next(), pods);
  }
});

test('a pod that is not ready for a moment, and a failover that is taken back, make no sample', async (t) => {
  const { dns, next } = await follow(t);
  for (const pods of [
    ['10.0.1.1', '10.0.1.2', '10.0.1.3'],
    ['10.0.1.1', '10.0.1.2'],
    ['10.0.1.1', '10.0.1.2', '10.0.1.3'],
    ['10.0.1.2', '10.0.1.3'],
    ['10.0.1.1', '10.0.1.2', '10.0.1.3'],
    ['10.0.1.1'],
    ['10.0.1.9'],
    ['10.0.1.1'],
  ]) {
    dns.set('orders.test', pods, { ttl: 1 });
    assert.deepEqual(await next(), pods);
  }
});

test('a name that is led to other pods, and back, leads to none of the others any more', async (t) => {
  const { dns, next } = await follow(t);
  const blue = TEN.slice(0, 3);
  const green = TEN.slice(3, 6);
  for (const pods of [blue, blue, green, green, blue, blue]) {
    dns.set('orders.test', pods, { ttl: 1 });
    assert.deepEqual(await next(), pods);
  }
});

test('an alias that is turned, and turned back, leads to none of the others any more', async (t) => {
  const { dns, next } = await follow(t);
  dns.set('blue.test', TEN.slice(0, 2), { ttl: 1 });
  dns.set('green.test', TEN.slice(2, 4), { ttl: 1 });
  for (const [target, pods] of [
    ['blue.test', TEN.slice(0, 2)],
    ['green.test', TEN.slice(2, 4)],
    ['blue.test', TEN.slice(0, 2)],
  ] as const) {
    dns.setAlias('orders.test', target, { ttl: 1 });
    assert.deepEqual(await next(), pods);
  }
});
