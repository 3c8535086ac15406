import assert from 'node:assert/strict';
import test from 'node:test';
import { parseResolvConf } from '../../../../src/core/discovery/dns/resolv-conf.ts';

const parse = (text: string, hostname = 'orders-7d4f') => parseResolvConf(text, hostname);

test("a pod's resolv.conf is read whole", () => {
  const text = `search prod.svc.cluster.local svc.cluster.local cluster.local ec2.internal
nameserver 10.96.0.10
options ndots:5
`;
  assert.deepEqual(parse(text), {
    servers: ['10.96.0.10'],
    search: ['prod.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'ec2.internal'],
    ndots: 5,
    timeout: 2_000,
    attempts: 2,
    rotate: false,
  });
});

test('an empty or missing resolv.conf leaves the defaults', () => {
  assert.deepEqual(parse(''), {
    servers: [],
    search: [],
    ndots: 1,
    timeout: 2_000,
    attempts: 2,
    rotate: false,
  });
});

test('the first three servers count, and each line names one', () => {
  const text = 'nameserver 10.0.0.1 10.0.0.9\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4';
  assert.deepEqual(parse(text).servers, ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
});

test('servers may be IPv6, have a scope or a port; what is no address is passed over', () => {
  for (const server of [
    '::1',
    'fe80::1%eth0',
    '127.0.0.1:5353',
    '[::1]:5353',
    '[::1]',
    '[fe80::1%eth0]:53',
  ]) {
    assert.deepEqual(parse(`nameserver ${server}`).servers, [server]);
  }
  for (const server of ['dns.example', '10.0.0', 'example:53', '[10.0.0]:53', ':53', '']) {
    assert.deepEqual(parse(`nameserver ${server}`).servers, [], server);
  }
});

test('of several search and domain lines the last one counts', () => {
  assert.deepEqual(parse('domain a.test\nsearch b.test c.test').search, ['b.test', 'c.test']);
  assert.deepEqual(parse('search b.test c.test\ndomain a.test x.test').search, ['a.test']);
  assert.deepEqual(parse('search a.test\nsearch b.test').search, ['b.test']);
  assert.deepEqual(parse('search a.test\nsearch').search, ['a.test'], 'an empty one says nothing');
});

test("without search and domain the machine's own domain is searched", () => {
  assert.deepEqual(parse('', 'web.corp.example').search, ['corp.example']);
  assert.deepEqual(parse('search a.test', 'web.corp.example').search, ['a.test']);
});

test('dots around a search domain and its case mean nothing, a lone dot is the root', () => {
  assert.deepEqual(parse('search A.test. .b.test').search, ['a.test', 'b.test']);
  assert.deepEqual(parse('search .').search, ['']);
});

test('options add up over lines and stay within what glibc allows', () => {
  const { ndots, timeout, attempts, rotate } = parse(
    'options ndots:2 rotate\noptions timeout:1 attempts:3 edns0',
  );
  assert.deepEqual(
    { ndots, timeout, attempts, rotate },
    { ndots: 2, timeout: 1_000, attempts: 3, rotate: true },
  );
  const huge = parse('options ndots:99 timeout:99 attempts:99');
  assert.deepEqual([huge.ndots, huge.timeout, huge.attempts], [15, 30_000, 5]);
  const none = parse('options ndots:0 timeout:0 attempts:0');
  assert.deepEqual([none.ndots, none.timeout, none.attempts], [0, 1_000, 1]);
  assert.equal(parse('options ndots: ndots:x ndots').ndots, 1);
});

test('the variables LOCALDOMAIN and RES_OPTIONS come before the file', () => {
  const text = 'search a.test\noptions ndots:5 timeout:3';
  const variables = { LOCALDOMAIN: 'b.test c.test', RES_OPTIONS: 'ndots:1 rotate' };
  const { search, ndots, timeout, rotate } = parseResolvConf(text, 'app', variables);
  assert.deepEqual(
    { search, ndots, timeout, rotate },
    { search: ['b.test', 'c.test'], ndots: 1, timeout: 3_000, rotate: true },
  );
  assert.deepEqual(parseResolvConf(text, 'app', { LOCALDOMAIN: '', RES_OPTIONS: '' }), parse(text));
});

test('comments, tabs, indentation and CRLF change nothing', () => {
  const text =
    '# nameserver 10.0.0.1\r\n; search x\r\n\tnameserver\t10.0.0.2 # ours\r\nsearch a.test b.test ; c.test\r\n';
  const { servers, search } = parse(text);
  assert.deepEqual({ servers, search }, { servers: ['10.0.0.2'], search: ['a.test', 'b.test'] });
});
