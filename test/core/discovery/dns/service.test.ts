import assert from 'node:assert/strict';
import test from 'node:test';
import { setUp } from './setup.ts';

const NAME = '_http._tcp.orders.test';

test('a _port._proto name has the ports and weights of its SRV records', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080, weight: 3 },
    { target: 'b.orders.test', port: 8081, weight: 1 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('b.orders.test', ['10.0.1.2']);
  const resolution = await follow(NAME, { port: 80 }).next();
  assert.deepEqual(
    new Set(resolution.endpoints),
    new Set([
      { address: '10.0.1.1', port: 8080, weight: 3 },
      { address: '10.0.1.2', port: 8081, weight: 1 },
    ]),
  );
  assert.equal(resolution.matchedName, NAME);
  assert.equal(resolution.source, 'dns');
});

test('the name is looked for in the search list', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf('search prod.svc.cluster.local svc.cluster.local\noptions ndots:5');
  dns.setServices('_http._tcp.orders.prod.svc.cluster.local', [{ target: 'a.test', port: 8080 }]);
  dns.set('a.test', ['10.0.1.1']);
  const { matchedName, endpoints } = await follow('_http._tcp.orders.prod').next();
  assert.equal(matchedName, '_http._tcp.orders.prod.svc.cluster.local');
  assert.deepEqual(endpoints, [{ address: '10.0.1.1', port: 8080 }]);
});

test('several addresses of a target share its weight and have its port', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080, weight: 6 },
    { target: 'b.orders.test', port: 8081, weight: 6 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1', '10.0.1.2', '10.0.1.3']);
  dns.set('b.orders.test', ['10.0.1.4']);
  const { endpoints } = await follow(NAME).next();
  assert.deepEqual(
    new Set(endpoints),
    new Set([
      { address: '10.0.1.1', port: 8080, weight: 2 },
      { address: '10.0.1.2', port: 8080, weight: 2 },
      { address: '10.0.1.3', port: 8080, weight: 2 },
      { address: '10.0.1.4', port: 8081, weight: 6 },
    ]),
  );
});

test('targets that share an address and a port are one endpoint with both weights', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080, weight: 2 },
    { target: 'b.orders.test', port: 8080, weight: 3 },
    { target: 'b.orders.test', port: 8081, weight: 1 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('b.orders.test', ['10.0.1.1']);
  const { endpoints } = await follow(NAME).next();
  assert.deepEqual(
    new Set(endpoints),
    new Set([
      { address: '10.0.1.1', port: 8080, weight: 5 },
      { address: '10.0.1.1', port: 8081, weight: 1 },
    ]),
  );
});

test('weights that are all the same are left out, so that a scale-out changes none', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('b.orders.test', ['10.0.1.2']);
  for (const [name, weight] of [
    ['_a._tcp.test', 0],
    ['_b._tcp.test', 50],
  ] as const) {
    dns.setServices(
      name,
      ['a', 'b'].map((pod) => ({ target: `${pod}.orders.test`, port: 8080, weight })),
    );
    const { endpoints } = await follow(name).next();
    assert.deepEqual(
      endpoints.map(({ weight }) => weight),
      [undefined, undefined],
    );
  }
});

test('a weight of zero among others is a small chance, not none', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080, weight: 0 },
    { target: 'b.orders.test', port: 8080, weight: 9 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('b.orders.test', ['10.0.1.2']);
  const { endpoints } = await follow(NAME).next();
  assert.deepEqual(endpoints.map(({ weight }) => weight).sort(), [1, 9]);
});

test('only targets of the lowest priority value are used', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'spare.orders.test', port: 8080, priority: 20 },
    { target: 'a.orders.test', port: 8080, priority: 10 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('spare.orders.test', ['10.0.1.9']);
  assert.deepEqual(await follow(NAME).addresses(), ['10.0.1.1']);
  assert.equal(dns.count('spare.orders.test'), 0);
});

test('a hundred targets are all asked for, and answers may be long', async (t) => {
  const { dns, follow } = await setUp(t);
  const pods = Array.from({ length: 100 }, (_, i) => `pod-${i}.orders.test`);
  dns.setServices(
    NAME,
    pods.map((target) => ({ target, port: 8080 })),
  );
  for (const [i, pod] of pods.entries()) dns.set(pod, [`10.0.1.${i}`]);
  assert.equal((await follow(NAME).next()).endpoints.length, 100);
});

test('targets with IPv6 addresses only will do, and are asked for those first from then on', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.setServices(NAME, [{ target: 'a.orders.test', port: 8080 }], { ttl: 5 });
  dns.set('a.orders.test', ['fd00::1'], { ttl: 5 });
  const orders = follow(NAME);
  assert.deepEqual(await orders.addresses(), ['fd00::1']);
  const next = orders.addresses();
  clock.advance('5s');
  await next;
  assert.equal(dns.count('a.orders.test', 'A'), 1);
  assert.equal(dns.count('a.orders.test', 'AAAA'), 2);
});

test('the addresses of the targets say how long it holds', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080 },
    { target: 'b.orders.test', port: 8080 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1'], { ttl: 20 });
  dns.set('b.orders.test', ['10.0.1.2'], { ttl: 7 });
  assert.equal((await follow(NAME).next()).validUntil, 37_000);
});

test('a target that has gone, or that cannot be asked for, is left out and asked for again soon', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'a.orders.test', port: 8080 },
    { target: 'b.orders.test', port: 8080 },
    { target: 'gone.orders.test', port: 8080 },
  ]);
  dns.set('a.orders.test', ['10.0.1.1'], { ttl: 20 });
  dns.set('b.orders.test', ['10.0.1.2'], { ttl: 20 });
  for (const behaviour of [{ rcode: 'SERVFAIL' }, { rcode: 'REFUSED' }] as const) {
    dns.misbehave('b.orders.test', behaviour);
    const orders = follow(NAME);
    assert.deepEqual(await orders.addresses(), ['10.0.1.1']);
    dns.behave('b.orders.test');
    const next = orders.addresses();
    clock.advance('1s');
    assert.deepEqual(await next, ['10.0.1.1', '10.0.1.2']);
    clock.advance('20s');
  }
});

test('targets none of which can be asked for fail the look-up', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [
    { target: 'gone.orders.test', port: 8080 },
    { target: 'b.orders.test', port: 8080 },
  ]);
  dns.misbehave('b.orders.test', { rcode: 'SERVFAIL' });
  assert.equal((await follow(NAME).failure()).error.code, 'ESERVFAIL');
});

test('where no target of the best priority has an address, those of the next one serve', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('spare.orders.test', ['10.0.1.9']);
  dns.misbehave('failing.orders.test', { rcode: 'SERVFAIL' });
  for (const best of ['gone.orders.test', 'failing.orders.test']) {
    const name = `_${best.split('.')[0]}._tcp.test`;
    dns.setServices(name, [
      { target: 'spare.orders.test', port: 8081, priority: 20 },
      { target: best, port: 8080, priority: 10 },
      { target: 'last.orders.test', port: 8080, priority: 30 },
    ]);
    assert.deepEqual((await follow(name).next()).endpoints, [{ address: '10.0.1.9', port: 8081 }]);
  }
  assert.equal(dns.count('last.orders.test'), 0);
});

test('the system, which knows no SRV records, is not asked', async (t) => {
  const asked: string[] = [];
  const getaddrinfo = async (name: string) => {
    asked.push(name);
    return ['10.0.1.9'];
  };
  const { dns, follow } = await setUp(t, { getaddrinfo });
  assert.equal((await follow(NAME).failure()).error.code, 'ENOTFOUND');
  dns.misbehave(NAME, { rcode: 'SERVFAIL' });
  assert.equal((await follow(`${NAME}.`).failure()).error.code, 'ESERVFAIL');
  assert.deepEqual(asked, []);
});

test('a service that is not offered, or whose name has no SRV records, is not found', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.setServices(NAME, [{ target: '', port: 0 }]);
  dns.setServices('_portless._tcp.orders.test', [{ target: 'a.orders.test', port: 0 }]);
  dns.set('a.orders.test', ['10.0.1.1']);
  dns.set('_other._tcp.orders.test', ['10.0.1.1']);
  for (const hostname of [
    NAME,
    '_portless._tcp.orders.test',
    '_other._tcp.orders.test',
    '_none._tcp.orders.test',
  ]) {
    const { error } = await follow(hostname).failure();
    assert.equal(error.code, 'ENOTFOUND');
  }
});
