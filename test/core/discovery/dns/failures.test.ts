import assert from 'node:assert/strict';
import test from 'node:test';
import type { FakeClock } from '../../../support/clock.ts';
import { addressesOf, setUp } from './setup.ts';

/** Milliseconds, on the clock, until the resolver asks for the name again. */
async function untilNext(clock: FakeClock, next: Promise<unknown>): Promise<number> {
  const from = clock.now();
  while (clock.pending > 0) clock.advance(1);
  await next;
  return clock.now() - from;
}

test('a name that does not exist fails at once, as getaddrinfo would', async (t) => {
  const { clock, follow } = await setUp(t);
  const { error, source } = await follow('nowhere.test').failure();
  assert.equal(error.message, 'getaddrinfo ENOTFOUND nowhere.test');
  // All of it, in the order in which Node's `dns.lookup` has it.
  assert.deepEqual(Object.entries(error), [
    ['errno', -3008],
    ['code', 'ENOTFOUND'],
    ['syscall', 'getaddrinfo'],
    ['hostname', 'nowhere.test'],
  ]);
  assert.equal(source, 'dns');
  assert.equal(clock.now(), 0);
});

test('a name without addresses is not found either', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('empty.test', []);
  assert.equal((await follow('empty.test').failure()).error.code, 'ENOTFOUND');
});

test('a name that does not exist is asked for ten times a second at most, however often somebody wants to know', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  const nowhere = follow('nowhere.test');
  await nowhere.failure();
  const asked = dns.questions.length;
  for (let i = 0; i < 100; i++) await follow('nowhere.test').failure();
  assert.equal(dns.questions.length, asked, 'others are told what is known');
  const next = nowhere.failure();
  clock.advance(99);
  assert.equal(clock.pending, 1, 'still waiting');
  clock.advance(1);
  await next;
  assert.equal(dns.questions.length, 2 * asked);
});

test('a name that comes to be is found when somebody wants to know again', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  const orders = follow('orders.test');
  await orders.failure();
  clock.advance('1m');
  dns.set('orders.test', ['10.0.1.1']);
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
});

test('SERVFAIL is an error, and what was known before is neither withdrawn nor emptied', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  const orders = follow('orders.test');
  await orders.next();
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  for (let i = 0; i < 10; i++) {
    const next = orders.failure();
    await untilNext(clock, next);
    assert.equal((await next).error.code, 'ESERVFAIL');
  }
  dns.behave('orders.test');
  const back = orders.next();
  await untilNext(clock, back);
  assert.deepEqual(addressesOf(await back), ['10.0.1.1']);
  assert.equal((await back).withdrawn, undefined);
});

test('failures back off from 1 s by 1.6 to 25 s while something is known, and start over after an answer', async (t) => {
  const { dns, clock, follow } = await setUp(t, { random: () => 0.5 });
  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  const orders = follow('orders.test');
  await orders.next();
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  await untilNext(clock, orders.failure());
  const delays: number[] = [];
  for (let i = 0; i < 9; i++) delays.push(await untilNext(clock, orders.failure()));
  assert.deepEqual(delays, [1_000, 1_600, 2_560, 4_096, 6_554, 10_486, 16_778, 25_000, 25_000]);

  dns.behave('orders.test');
  dns.set('orders.test', ['10.0.1.1'], { ttl: 0 });
  await untilNext(clock, orders.next());
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  await untilNext(clock, orders.failure());
  assert.equal(await untilNext(clock, orders.failure()), 1_000);
});

test('a back-off is jittered by a fifth both ways, and never longer than 30 s', async (t) => {
  for (const [random, first, longest] of [
    [0, 800, 20_000],
    [0.999999, 1_200, 30_000],
  ] as const) {
    const { dns, clock, follow } = await setUp(t, { random: () => random });
    dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
    const orders = follow('orders.test');
    await orders.next();
    dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
    await untilNext(clock, orders.failure());
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) delays.push(await untilNext(clock, orders.failure()));
    assert.equal(delays.at(0), first);
    assert.equal(delays.at(-1), longest);
  }
});

for (const behaviour of [{ rcode: 'SERVFAIL' }, { rcode: 'REFUSED' }] as const) {
  test(`while nothing is known, ${behaviour.rcode} is no reason to wait for more than half a second, however often it came`, async (t) => {
    const { dns, clock, follow } = await setUp(t);
    dns.misbehave('orders.test', behaviour);
    const orders = follow('orders.test');
    await orders.failure();
    let longest = 0;
    for (let failures = 1; failures < 20; failures++) {
      const next = orders.failure();
      longest = Math.max(longest, await untilNext(clock, next));
      assert.equal((await next).askedAt, clock.now());
    }
    assert.ok(longest <= 500);
    dns.behave('orders.test');
    dns.set('orders.test', ['10.0.1.1']);
    const next = orders.addresses();
    assert.ok((await untilNext(clock, next)) <= 500);
    assert.deepEqual(await next, ['10.0.1.1']);
  });
}

test('a server that comes back is asked within half a second, though a question to it is still open', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf('search .\noptions timeout:30 attempts:1');
  dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
  dns.misbehave('orders.test', 'silent');
  const orders = follow('orders.test');
  const addresses = orders.addresses();
  await dns.received('orders.test');
  clock.advance(500);
  await dns.received('orders.test', 2);
  dns.behave('orders.test');
  clock.advance(500);
  assert.deepEqual(await addresses, ['10.0.1.1']);
  assert.equal(dns.count('orders.test'), 3);

  dns.misbehave('orders.test', 'silent');
  const next = orders.ended();
  clock.advance('1s');
  await dns.received('orders.test', 4);
  clock.advance(999);
  assert.equal(dns.count('orders.test'), 4, 'with something known, it is not that urgent');
  clock.advance(1);
  await dns.received('orders.test', 5);
  orders.stop();
  await next;
});

test('a service that starts while others back off asks by itself', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.misbehave('orders.test', { rcode: 'SERVFAIL' });
  await follow('orders.test').failure();
  dns.behave('orders.test');
  dns.set('orders.test', ['10.0.1.1']);
  assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
});

test('a server that comes back is heard at once by who asks after the back-off', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.misbehave('orders.test', { rcode: 'REFUSED' });
  const orders = follow('orders.test');
  await orders.failure();
  clock.advance('1m');
  dns.behave('orders.test');
  dns.set('orders.test', ['10.0.1.1']);
  assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
});
