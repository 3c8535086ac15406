import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startDnsServer } from '../../../support/dns-server.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { setUp } from './setup.ts';

const pods = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

test('an answer too long for a datagram is fetched whole over TCP', async (t) => {
  const { dns, follow } = await setUp(t);
  for (const count of [35, 45, 300]) {
    dns.set(`orders-${count}.test`, pods(count));
    assert.deepEqual(await follow(`orders-${count}.test`).addresses(), pods(count).sort());
    assert.deepEqual(
      dns.questions.filter(({ name }) => name === `orders-${count}.test`).map(({ transport }) => transport),
      ['udp', 'tcp'],
    );
  }
});

test('a long answer that TCP does not deliver is a failure, not a smaller set', async (t) => {
  const blocked = await startDnsServer(t, { tcp: false });
  const { follow } = await setUp(t, { servers: [blocked.address] });
  blocked.set('orders.test', pods(45));
  assert.equal((await follow('orders.test').failure()).error.code, 'ECONNREFUSED');
});

test('addresses that come twice count once, and their order is no change', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.2', '10.0.1.1', '10.0.1.2'], { ttl: 1 });
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.1.1', '10.0.1.2']);
  dns.set('orders.test', ['10.0.1.1', '10.0.1.2'], { ttl: 1 });
  const next = orders.addresses();
  clock.advance('1s');
  assert.deepEqual(await next, ['10.0.1.1', '10.0.1.2']);
});

test('a chain of aliases is followed, and holds as long as its shortest link', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setAlias('orders.test', 'blue.orders.test', { ttl: 20 });
  dns.setAlias('blue.orders.test', 'lb.example', { ttl: 3 });
  dns.set('lb.example', ['10.0.1.1'], { ttl: 25 });
  const resolution = await follow('orders.test').next();
  assert.deepEqual(resolution.endpoints, [{ address: '10.0.1.1', port: 80 }]);
  assert.equal(resolution.matchedName, 'orders.test');
  assert.equal(resolution.validUntil, 33_000);
});

test('an alias that leads nowhere is no address', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setAlias('orders.test', 'gone.test');
  dns.setAlias('users.test', 'empty.test');
  dns.set('empty.test', []);
  assert.equal((await follow('orders.test').failure()).error.code, 'ENOTFOUND');
  assert.equal((await follow('users.test').failure()).error.code, 'ENOTFOUND');
});

test("servers of one's own are asked in place of resolv.conf's, whose search list holds", async (t) => {
  const own = await startDnsServer(t);
  const { dns, resolvConf, follow } = await setUp(t, { servers: [own.address] });
  resolvConf('search prod.svc.cluster.local');
  own.set('orders.prod.svc.cluster.local', ['10.0.1.1']);
  assert.deepEqual(await follow('orders').addresses(), ['10.0.1.1']);
  assert.deepEqual(dns.questions, []);
});

test('a server may have an IPv6 address', async (t) => {
  const own = await startDnsServer(t, { host: '::1' });
  const { follow } = await setUp(t, { servers: [own.address] });
  own.set('orders.test', ['10.0.1.1']);
  assert.match(own.address, /^\[::1\]:\d+$/);
  assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
});

test('a server that is unable to answer, or not there, is passed over for the next', async (t) => {
  const gone = await startDnsServer(t);
  await gone.close();
  const failing = await startDnsServer(t);
  failing.misbehave('*', { rcode: 'SERVFAIL' });
  const refusing = await startDnsServer(t);
  refusing.misbehave('*', { rcode: 'REFUSED' });
  const sound = await startDnsServer(t);
  sound.set('orders.test', ['10.0.1.1']);
  for (const bad of [gone, failing, refusing]) {
    const { follow } = await setUp(t, { servers: [bad.address, sound.address] });
    assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
  }
  const servers = [gone, failing, refusing, sound].map(({ address }) => address);
  const { follow } = await setUp(t, { servers });
  assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
});

test('with the option rotate, look-ups begin with one server after the other', async (t) => {
  const servers = [await startDnsServer(t), await startDnsServer(t)];
  const { resolvConf, follow } = await setUp(t, { servers: servers.map(({ address }) => address) });
  resolvConf('search .\noptions rotate');
  for (const name of ['a.test', 'b.test', 'c.test', 'd.test']) {
    for (const server of servers) server.set(name, ['10.0.1.1']);
    await follow(name).next();
  }
  assert.deepEqual(
    servers.map(({ questions }) => questions.length),
    [2, 2],
  );
});

test('what one server says of a name, or of the question, is not asked of the next', async (t) => {
  const [first, second] = [await startDnsServer(t), await startDnsServer(t)];
  second.set('orders.test', ['10.0.1.1']);
  const { follow } = await setUp(t, { servers: [first.address, second.address] });
  assert.equal((await follow('orders.test').failure()).error.code, 'ENOTFOUND');
  first.misbehave('users.test', { rcode: 'FORMERR' });
  assert.equal((await follow('users.test').failure()).error.code, 'EFORMERR');
  assert.deepEqual(second.questions, []);
});

test('a server that cannot be reached is a failure', async (t) => {
  const closed = await startDnsServer(t);
  await closed.close();
  const { follow } = await setUp(t, { servers: [closed.address] });
  const { error } = await follow('orders.test').failure();
  assert.equal(error.code, 'ECONNREFUSED');
  assert.match(error.message, /orders\.test/);
});

test('a name whose A records a server fails for has its IPv6 addresses', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('six.test', ['fd00::1'], { ttl: 1 });
  dns.set('dual.test', ['10.0.1.1', 'fd00::1'], { ttl: 1 });
  dns.misbehave('six.test', { rcode: 'SERVFAIL', type: 'A' });
  assert.deepEqual(await follow('six.test').addresses(), ['fd00::1']);

  const dual = follow('dual.test');
  assert.deepEqual(await dual.addresses(), ['10.0.1.1']);
  dns.misbehave('dual.test', { rcode: 'SERVFAIL', type: 'A' });
  const next = dual.failure();
  clock.advance('1s');
  assert.equal((await next).error.code, 'ESERVFAIL', 'but one that has IPv4 ones keeps them');
});

test('a server that failed for A records, and then says that there are no IPv6 addresses, is asked again', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  dns.misbehave('orders.test', { rcode: 'SERVFAIL', type: 'A' });
  const addresses = follow('orders.test').addresses();
  await dns.received('orders.test');
  const release = dns.hold('orders.test');
  await dns.received('orders.test', 2);
  dns.behave('orders.test');
  release();
  assert.deepEqual(await addresses, ['10.0.1.1']);
  assert.deepEqual(
    dns.questions.map(({ type }) => type),
    ['A', 'AAAA', 'A'],
  );
});

test('a change of resolv.conf holds from the next look-up on', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf('search a.test');
  dns.set('orders.a.test', ['10.0.1.1']);
  dns.set('users.b.test', ['10.0.1.2']);
  assert.equal((await follow('orders').next()).matchedName, 'orders.a.test');
  resolvConf('search b.test b.test');
  assert.equal((await follow('users').next()).matchedName, 'users.b.test');
});

test('names that cannot exist are not found', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf(`search ${'x'.repeat(63)}.${'y'.repeat(63)}.${'z'.repeat(63)}.test`);
  for (const hostname of ['a..b', `${'a'.repeat(64)}.test`, `${'long.'.repeat(60)}test`, 'a b', '*']) {
    assert.equal((await follow(hostname).failure()).error.code, 'ENOTFOUND', hostname);
  }
  const tooLongInItsDomain = `${'a'.repeat(60)}`;
  dns.set(tooLongInItsDomain, ['10.0.1.1']);
  assert.deepEqual(await follow(tooLongInItsDomain).addresses(), ['10.0.1.1']);
});

// Together, for what they wait for is c-ares, whose time is real.
describe('servers that are slow or silent', { concurrency: true }, () => {
  test('a server is asked however many before it fail or are silent', { timeout: 20_000 }, async (t) => {
    const [failing, silent, sound] = [
      await startDnsServer(t),
      await startDnsServer(t),
      await startDnsServer(t),
    ];
    failing.misbehave('*', { rcode: 'SERVFAIL' });
    silent.misbehave('*', 'silent');
    sound.set('orders.test', ['10.0.1.1']);
    const servers = [failing, silent, sound].map(({ address }) => address);
    const { resolvConf, follow } = await setUp(t, { servers });
    resolvConf('search .\noptions timeout:1');
    assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
    assert.deepEqual(
      [failing, silent, sound].map((server) => server.count('orders.test')),
      [1, 1, 1],
    );
  });

  test('a silent server is asked again only after the others, and one that failed is not', async (t) => {
    const [failing, silent] = [await startDnsServer(t), await startDnsServer(t)];
    failing.misbehave('*', { rcode: 'SERVFAIL' });
    silent.misbehave('*', 'silent');
    const { resolvConf, follow } = await setUp(t, { servers: [silent.address, failing.address] });
    resolvConf('search .\noptions timeout:1 attempts:2');
    assert.equal((await follow('orders.test').failure()).error.code, 'ETIMEOUT');
    assert.equal(silent.count('orders.test'), 2);
    assert.equal(failing.count('orders.test'), 1);
  });

  test('a silent server has two seconds for an answer, and is asked twice', async (t) => {
    const { dns, follow } = await setUp(t);
    dns.misbehave('*', 'silent');
    const start = performance.now();
    const watch = startStopwatch();
    assert.equal((await follow('orders.test').failure()).error.code, 'ETIMEOUT');
    const seconds = (performance.now() - start) / 1_000;
    // c-ares looks at its clock once a second. Were the time to double, there would be six.
    assert.ok(seconds > 3.5, `${seconds} s`);
    assert.ok(watch() < 5_900, `${watch()} ms`);
    assert.equal(dns.count('orders.test'), 2);
  });

  test('a server that is slow, though it was quick before, is heard in the end', async (t) => {
    const { dns, resolvConf, follow } = await setUp(t);
    // As in a pod, whose search list has three quick answers before a public name's, which takes a recursion.
    resolvConf('search prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5');
    dns.set('api.example.com', ['192.0.2.1']);
    dns.misbehave('api.example.com', { delay: 3_000 });
    assert.deepEqual(await follow('api.example.com').addresses(), ['192.0.2.1']);
  });

  test('resolv.conf says how long and how often a silent server is asked', async (t) => {
    const { dns, resolvConf, follow } = await setUp(t);
    resolvConf('search .\noptions timeout:1 attempts:1');
    dns.misbehave('*', 'silent');
    assert.equal((await follow('orders.test').failure()).error.code, 'ETIMEOUT');
    assert.equal(dns.count('orders.test'), 1);
  });
});
