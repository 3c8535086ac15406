import assert from 'node:assert/strict';
import test from 'node:test';
import { interfaces, setUp } from './setup.ts';

const IN_A_POD = 'search prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5';

/** A stand-in for the system's resolver, with the names that it was asked for. */
function system(addresses: Record<string, string[]>) {
  const asked: string[] = [];
  const getaddrinfo = async (name: string): Promise<string[]> => {
    asked.push(name);
    const found = addresses[name];
    if (found === undefined)
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    return found;
  };
  return { asked, getaddrinfo };
}

test('an IP address is its own endpoint, and the resolver ends there', async (t) => {
  const { dns, follow } = await setUp(t);
  for (const [hostname, address] of [
    ['10.1.2.3', '10.1.2.3'],
    ['fd00::1', 'fd00::1'],
    ['[fd00::1]', 'fd00::1'],
  ] as const) {
    const following = follow(hostname, { port: 8080 });
    assert.deepEqual(await following.next(), { endpoints: [{ address, port: 8080 }], source: 'static' });
    assert.ok(await following.ended());
  }
  assert.deepEqual(dns.questions, []);
});

test('every address of a name becomes an endpoint with the port of the URL', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.2', '10.0.1.1'], { ttl: 5 });
  const { endpoints, ...rest } = await follow('orders.test', { port: 8080 }).next();
  assert.deepEqual(
    new Set(endpoints),
    new Set([
      { address: '10.0.1.1', port: 8080 },
      { address: '10.0.1.2', port: 8080 },
    ]),
  );
  assert.deepEqual(rest, { source: 'dns', matchedName: 'orders.test', validUntil: 35_000 });
});

test('the hosts file comes before the name servers', async (t) => {
  const { dns, hosts, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  hosts('10.9.9.9 other Orders.Test\n10.9.9.8 orders.test');
  const resolution = await follow('orders.test').next();
  assert.deepEqual(resolution.endpoints, [
    { address: '10.9.9.9', port: 80 },
    { address: '10.9.9.8', port: 80 },
  ]);
  assert.equal(resolution.source, 'hosts');
  assert.equal(resolution.matchedName, undefined);
  assert.deepEqual(dns.questions, []);
});

test('a change of the hosts file is seen at the next refresh, which comes after 5 s', async (t) => {
  const { clock, hosts, follow } = await setUp(t);
  hosts('10.0.0.1 orders.test');
  const orders = follow('orders.test');
  assert.deepEqual(await orders.addresses(), ['10.0.0.1']);
  hosts('10.0.0.1 orders.test\n10.0.0.2 orders.test');
  const next = orders.addresses();
  clock.advance(4_999);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  assert.deepEqual(await next, ['10.0.0.1', '10.0.0.2']);
});

test('a short name is found in the domains of the search list, in order', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('orders.prod.svc.cluster.local', ['10.0.1.1']);
  dns.set('users.staging.svc.cluster.local', ['10.0.1.2']);
  const orders = await follow('orders').next();
  assert.equal(orders.matchedName, 'orders.prod.svc.cluster.local');
  const users = await follow('users.staging').next();
  assert.equal(users.matchedName, 'users.staging.svc.cluster.local');
  assert.deepEqual(
    dns.questions.map(({ name }) => name),
    [
      'orders.prod.svc.cluster.local',
      'users.staging.prod.svc.cluster.local',
      'users.staging.svc.cluster.local',
    ],
  );
});

test('a name with a final dot is asked for as it is only', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('api.example', ['10.0.1.1']);
  dns.set('api.example.svc.cluster.local', ['10.0.1.2']);
  assert.equal((await follow('api.example.').next()).matchedName, 'api.example');
  assert.equal((await follow('api.example').next()).matchedName, 'api.example.svc.cluster.local');
});

test('upper case and punycode change nothing', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  dns.set('xn--bcher-kva.test', ['10.0.1.2']);
  assert.equal((await follow('ORDERS.Test').next()).matchedName, 'orders.test');
  assert.deepEqual(await follow(new URL('http://bücher.test').hostname).addresses(), ['10.0.1.2']);
});

test('a refresh asks one question, for the name that matched', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('api.example', ['fd00::1'], { ttl: 5 });
  const api = follow('api.example');
  await api.next();
  const before = dns.questions.length;
  const next = api.next();
  clock.advance('5s');
  await next;
  assert.deepEqual(dns.questions.slice(before), [{ name: 'api.example', type: 'AAAA', transport: 'udp' }]);
});

test('a name that exists without addresses does not end the search', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('orders.prod.svc.cluster.local', []);
  dns.set('orders.cluster.local', ['10.0.1.1']);
  assert.equal((await follow('orders').next()).matchedName, 'orders.cluster.local');
});

for (const [failure, behaviour, code] of [
  ['SERVFAIL', { rcode: 'SERVFAIL' }, 'ESERVFAIL'],
  ['REFUSED', { rcode: 'REFUSED' }, 'EREFUSED'],
  ['silence', 'silent', 'ETIMEOUT'],
] as const) {
  test(`${failure} in the cluster's own domain ends the search`, async (t) => {
    const { dns, resolvConf, follow } = await setUp(t);
    resolvConf(`${IN_A_POD} timeout:1 attempts:1`);
    dns.set('api.example', ['192.0.2.1']);
    dns.misbehave('api.example.prod.svc.cluster.local', behaviour);
    const { error } = await follow('api.example').failure();
    assert.equal(error.code, code);
    assert.deepEqual(
      new Set(dns.questions.map(({ name }) => name)),
      new Set(['api.example.prod.svc.cluster.local']),
    );
  });
}

const BESIDE_A_COMPANY = 'search prod.svc.cluster.local corp.example third.example\noptions ndots:5';

for (const [failure, behaviour, code] of [
  ['SERVFAIL', { rcode: 'SERVFAIL' }, 'ESERVFAIL'],
  ['REFUSED', { rcode: 'REFUSED' }, 'EREFUSED'],
  ['silence', 'silent', 'ETIMEOUT'],
] as const) {
  test(`${failure} in another domain does not keep a public name from being found`, async (t) => {
    const { dns, resolvConf, follow } = await setUp(t);
    resolvConf(`${BESIDE_A_COMPANY} timeout:1 attempts:1`);
    dns.set('api.example.com', ['192.0.2.1']);
    dns.misbehave('api.example.com.corp.example', behaviour);
    dns.misbehave('gone.example.com.corp.example', behaviour);
    const { matchedName } = await follow('api.example.com').next();
    assert.equal(matchedName, 'api.example.com');
    // glibc asks no third domain after silence.
    assert.equal(dns.count('api.example.com.third.example') > 0, failure !== 'silence');
    const { error } = await follow('gone.example.com').failure();
    assert.equal(error.code, code, 'nor does it become one that is known not to exist');
  });
}

test('a name found behind a domain that failed is looked for there again', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(BESIDE_A_COMPANY);
  dns.set('db.third.example', ['10.0.3.1'], { ttl: 1 });
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 1 });
  dns.misbehave('db.corp.example', { rcode: 'SERVFAIL' });
  const db = follow('db');
  assert.equal((await db.next()).matchedName, 'db.third.example');
  dns.behave('db.corp.example');
  const next = db.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'db.corp.example');
});

test('a name that matched is not looked for elsewhere because its server fails', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(BESIDE_A_COMPANY);
  dns.set('db.third.example', ['10.0.3.1']);
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 1 });
  const db = follow('db');
  assert.equal((await db.next()).matchedName, 'db.corp.example');
  dns.misbehave('db.corp.example', { rcode: 'SERVFAIL' });
  const next = db.failure();
  clock.advance('1s');
  assert.equal((await next).error.code, 'ESERVFAIL');
  assert.equal(dns.count('db.third.example'), 0);
});

test('where a domain of others failed, the system is asked for the name as the caller gave it', async (t) => {
  const { getaddrinfo, asked } = system({ 'api.example.com': ['192.0.2.1'] });
  const { dns, resolvConf, follow } = await setUp(t, { getaddrinfo });
  resolvConf(BESIDE_A_COMPANY);
  dns.misbehave('api.example.com.corp.example', { rcode: 'SERVFAIL' });
  const resolution = await follow('api.example.com').next();
  assert.equal(resolution.source, 'getaddrinfo');
  assert.deepEqual(asked, ['api.example.com']);
});

test('the domain of the cluster that is set ends the search, too', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t, { clusterDomain: 'k8s.example' });
  resolvConf('search k8s.example\noptions ndots:5');
  dns.set('api.example.com', ['192.0.2.1']);
  dns.misbehave('api.example.com.k8s.example', { rcode: 'REFUSED' });
  assert.equal((await follow('api.example.com').failure()).error.code, 'EREFUSED');
});

test('a name that matched in the cluster never falls through to a public one', async (t) => {
  const { getaddrinfo, asked } = system({ 'api.example': ['192.0.2.1'] });
  const { dns, clock, resolvConf, follow } = await setUp(t, { getaddrinfo, negativeHold: 0 });
  resolvConf(IN_A_POD);
  dns.set('api.example', ['192.0.2.1']);
  dns.set('api.example.svc.cluster.local', ['10.0.1.1'], { ttl: 1 });
  const api = follow('api.example');
  await api.next();

  dns.remove('api.example.svc.cluster.local');
  const withdrawn = api.addresses();
  clock.advance('1s');
  assert.deepEqual(await withdrawn, []);
  assert.equal((await api.failure()).error.code, 'ENOTFOUND');
  dns.misbehave('*', { rcode: 'SERVFAIL' });
  const failed = api.failure();
  clock.advance('1s');
  assert.equal((await failed).error.code, 'ESERVFAIL');

  assert.equal(
    (await follow('api.example').failure()).error.code,
    'ESERVFAIL',
    'nor for those who come later',
  );
  assert.equal(dns.count('api.example'), 0);
  assert.deepEqual(new Set(asked), new Set(['api.example.svc.cluster.local.']));
});

test('a name that is gone where it matched is found in a later domain, as by glibc', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(BESIDE_A_COMPANY);
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 1 });
  const db = follow('db');
  await db.next();
  dns.remove('db.corp.example');
  dns.set('db.third.example', ['10.0.3.1']);
  const next = db.next();
  clock.advance('1s');
  const resolution = await next;
  assert.equal(resolution.matchedName, 'db.third.example');
  assert.deepEqual(
    resolution.endpoints.map(({ address }) => address),
    ['10.0.3.1'],
  );
});

test('a name that is gone where it matched in the cluster is found in a later domain of the cluster', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('api.shop', ['192.0.2.1']);
  dns.set('api.shop.prod.svc.cluster.local', ['10.0.1.1'], { ttl: 1 });
  const api = follow('api.shop');
  await api.next();
  dns.remove('api.shop.prod.svc.cluster.local');
  dns.set('api.shop.svc.cluster.local', ['10.0.2.1'], { ttl: 1 });
  const next = api.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'api.shop.svc.cluster.local');
});

test('a name is looked for in the domains that resolv.conf has now', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf('search corp.example');
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 1 });
  dns.set('db.third.example', ['10.0.3.1'], { ttl: 1 });
  const db = follow('db');
  await db.next();
  resolvConf('search third.example');
  const next = db.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'db.third.example');
});

test('in a cluster, a name that matched there stays there, whatever resolv.conf says now', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('api.example', ['192.0.2.1']);
  dns.set('api.example.svc.cluster.local', ['10.0.1.1'], { ttl: 1 });
  dns.set('api.example.stage.svc.cluster.local', ['10.0.1.2'], { ttl: 1 });
  const api = follow('api.example');
  await api.next();
  // As it is while somebody writes it anew.
  resolvConf('');
  let next = api.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'api.example.svc.cluster.local');
  resolvConf('search stage.svc.cluster.local\noptions ndots:5');
  next = api.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'api.example.stage.svc.cluster.local');
  assert.equal(dns.count('api.example'), 0);
});

test('a name that appears in an earlier domain than where it matched is found there within a minute', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(BESIDE_A_COMPANY);
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 30 });
  const db = follow('db');
  assert.equal((await db.next()).matchedName, 'db.corp.example');
  dns.set('db.prod.svc.cluster.local', ['10.0.1.1'], { ttl: 30 });
  const names: unknown[] = [];
  for (const delay of ['30s', '30s']) {
    const next = db.next();
    clock.advance(delay);
    names.push((await next).matchedName);
  }
  assert.deepEqual(names, ['db.corp.example', 'db.prod.svc.cluster.local']);
});

test('an earlier domain that says nothing keeps no change from being seen where a name matched', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(BESIDE_A_COMPANY);
  dns.set('db.corp.example', ['10.0.2.1'], { ttl: 30 });
  const db = follow('db');
  await db.next();
  dns.set('db.corp.example', ['10.0.2.2'], { ttl: 30 });
  dns.misbehave('db.prod.svc.cluster.local', 'silent');
  for (const searches of [false, true]) {
    const next = db.addresses();
    clock.advance('30s');
    if (searches) {
      await dns.received('db.prod.svc.cluster.local', 2);
      clock.advance('1s');
    }
    assert.deepEqual(await next, ['10.0.2.2']);
  }
});

test('a name that is gone where it matched is found again where it comes first', async (t) => {
  const { dns, clock, resolvConf, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  dns.set('orders.cluster.local', ['10.0.1.1'], { ttl: 1 });
  const orders = follow('orders');
  await orders.next();
  dns.remove('orders.cluster.local');
  dns.set('orders.prod.svc.cluster.local', ['10.0.1.2']);
  const next = orders.next();
  clock.advance('1s');
  assert.equal((await next).matchedName, 'orders.prod.svc.cluster.local');
});

test('the system is asked last, for what the name servers do not know', async (t) => {
  const { getaddrinfo, asked } = system({ 'printer.local': ['fe80::1%eth0', '192.168.1.9', '192.168.1.9'] });
  const { dns, follow } = await setUp(t, { getaddrinfo });
  const resolution = await follow('printer.local').next();
  assert.deepEqual(resolution, {
    endpoints: [{ address: '192.168.1.9', port: 80 }],
    source: 'getaddrinfo',
    validUntil: 35_000,
  });
  assert.ok(dns.count('printer.local') > 0);
  assert.deepEqual(asked, ['printer.local']);
});

test("the system's resolver is the real one by default", async (t) => {
  const { follow } = await setUp(t, { getaddrinfo: undefined });
  // Not an IP address to Node, but one to getaddrinfo, which needs no network for it.
  assert.deepEqual(await follow('127.1').addresses(), ['127.0.0.1']);
});

test('after a failure the system is asked for the name that failed, not for those after it', async (t) => {
  const { getaddrinfo, asked } = system({ 'api.example': ['192.0.2.1'], 'api.example.': ['192.0.2.1'] });
  const { dns, resolvConf, follow } = await setUp(t, { getaddrinfo });
  resolvConf(IN_A_POD);
  dns.misbehave('*', { rcode: 'SERVFAIL' });
  const { error } = await follow('api.example').failure();
  assert.equal(error.code, 'ESERVFAIL');
  assert.deepEqual(asked, ['api.example.prod.svc.cluster.local.']);
});

test('what the system knows when the servers fail is not looked for elsewhere later', async (t) => {
  const { getaddrinfo } = system({ 'api.example.prod.svc.cluster.local.': ['10.0.1.1'] });
  const { dns, clock, resolvConf, follow } = await setUp(t, { getaddrinfo, negativeHold: 0 });
  resolvConf(IN_A_POD);
  dns.set('api.example', ['192.0.2.1']);
  dns.misbehave('*', { rcode: 'REFUSED' });
  const api = follow('api.example');
  const resolution = await api.next();
  assert.equal(resolution.source, 'getaddrinfo');
  assert.equal(resolution.matchedName, 'api.example.prod.svc.cluster.local');
  dns.behave('*');
  const next = api.addresses();
  clock.advance('5s');
  assert.deepEqual(await next, []);
  assert.equal(dns.count('api.example'), 0);
});

test('a name that only the system knows stays known to it', async (t) => {
  const { getaddrinfo } = system({ 'printer.local': ['192.168.1.9'], 'printer.local.': ['192.168.1.9'] });
  const { dns, clock, follow } = await setUp(t, { getaddrinfo });
  dns.misbehave('*', { rcode: 'REFUSED' });
  const printer = follow('printer.local');
  assert.deepEqual(await printer.addresses(), ['192.168.1.9']);
  dns.behave('*');
  const next = printer.next();
  clock.advance('5s');
  assert.equal((await next).source, 'getaddrinfo');
  assert.equal((await next).withdrawn, undefined);
});

test('the system is not asked when the servers were silent, or are ones of our own', async (t) => {
  const { getaddrinfo, asked } = system({ 'orders.test': ['10.0.0.1'] });
  const silent = await setUp(t, { getaddrinfo });
  silent.resolvConf('search .\noptions timeout:1 attempts:1');
  silent.dns.misbehave('*', 'silent');
  assert.equal((await silent.follow('orders.test').failure()).error.code, 'ETIMEOUT');
  const own = await setUp(t, { getaddrinfo, servers: [silent.dns.address] });
  silent.dns.behave('*');
  assert.equal((await own.follow('orders.test').failure()).error.code, 'ENOTFOUND');
  assert.deepEqual(asked, []);
});

test('the system is asked once, however long it takes', async (t) => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string[]>();
  let calls = 0;
  const getaddrinfo = () => {
    calls++;
    asked.resolve();
    return answer.promise;
  };
  const { clock, follow } = await setUp(t, { getaddrinfo });
  const addresses = follow('printer.local').addresses();
  await asked.promise;
  clock.advance('10s');
  answer.resolve(['192.168.1.9']);
  assert.deepEqual(await addresses, ['192.168.1.9']);
  assert.equal(calls, 1);
});

test('a system that fails leaves the question open', async (t) => {
  const getaddrinfo = () => Promise.reject(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }));
  const { follow } = await setUp(t, { getaddrinfo });
  assert.equal((await follow('printer.local').failure()).error.code, 'EAI_AGAIN');
});

test('localhost and names below it are loopback, and no name server is asked', async (t) => {
  const { dns, resolvConf, hosts, follow } = await setUp(t);
  resolvConf(IN_A_POD);
  // RFC 6761: whatever a name server would say.
  dns.misbehave('*', 'silent');
  for (const hostname of ['localhost', 'app.localhost', 'app.localhost.', 'a.b.LocalHost']) {
    const resolution = await follow(hostname).next();
    assert.deepEqual(
      resolution.endpoints.map(({ address }) => address),
      ['127.0.0.1', '::1'],
    );
    assert.equal(resolution.source, 'localhost');
  }
  hosts('127.0.0.3 localhost\n172.18.0.5 web.localhost');
  assert.deepEqual(await follow('LOCALHOST.').addresses(), ['127.0.0.3']);
  assert.deepEqual(await follow('web.localhost').addresses(), ['172.18.0.5']);
  assert.deepEqual(dns.questions, []);
});

test('IPv6 is asked for only when there is no IPv4', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('dual.test', ['10.0.1.1', 'fd00::1']);
  dns.set('six.test', ['fd00::1', 'fd00::2']);
  assert.deepEqual(await follow('dual.test').addresses(), ['10.0.1.1']);
  assert.deepEqual(await follow('six.test').addresses(), ['fd00::1', 'fd00::2']);
  assert.deepEqual(
    dns.questions.map(({ name, type }) => `${name} ${type}`),
    ['dual.test A', 'six.test A', 'six.test AAAA'],
  );
});

test('a host that routes IPv6 only asks for that', async (t) => {
  const networkInterfaces = () => interfaces('127.0.0.1', '::1', 'fd00::9', 'fe80::9');
  const { dns, follow } = await setUp(t, { networkInterfaces });
  dns.set('dual.test', ['10.0.1.1', 'fd00::1']);
  assert.deepEqual(await follow('dual.test').addresses(), ['fd00::1']);
  assert.equal(dns.count('dual.test', 'A'), 0);
});

test('a host that routes IPv4 only still says where an IPv6 name leads', async (t) => {
  const { dns, follow } = await setUp(t, { networkInterfaces: () => interfaces('127.0.0.1', '10.0.0.1') });
  dns.set('six.test', ['2001:db8::1']);
  assert.deepEqual(await follow('six.test').addresses(), ['2001:db8::1']);
});

test('the family option asks for that family only', async (t) => {
  const { dns, follow } = await setUp(t, { family: 6 });
  dns.set('dual.test', ['10.0.1.1', 'fd00::1']);
  dns.set('four.test', ['10.0.1.1']);
  assert.deepEqual(await follow('dual.test').addresses(), ['fd00::1']);
  assert.equal((await follow('four.test').failure()).error.code, 'ENOTFOUND');
  assert.equal(dns.questions.filter(({ type }) => type === 'A').length, 0);
});

test('interfaces that may not be listed are no obstacle', async (t) => {
  const networkInterfaces = () => {
    throw new Error('EACCES');
  };
  const { dns, follow } = await setUp(t, { networkInterfaces });
  dns.set('orders.test', ['10.0.1.1']);
  assert.deepEqual(await follow('orders.test').addresses(), ['10.0.1.1']);
});
