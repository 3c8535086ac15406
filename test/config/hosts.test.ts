import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostRule } from '../../src/config/hosts.ts';

test('without globs nothing is said of any host', () => {
  assert.equal(hostRule(undefined)('orders'), undefined);
});

test('a host is balanced when a glob matches all of its name, and not otherwise', () => {
  const rule = hostRule(['orders', '*.svc.cluster.local', 'api-*.example.com']);
  for (const name of ['orders', 'a.b.svc.cluster.local', 'api-1.example.com'])
    assert.equal(rule(name), true, name);
  for (const name of ['orders2', 'svc.cluster.local', 'api-1.example.com.evil', 'api-1xexample.com']) {
    assert.equal(rule(name), false, name);
  }
});

test('globs after a ! win, in whatever order', () => {
  for (const globs of [
    ['*', '!*.example.com'],
    ['!*.example.com', '*'],
  ]) {
    assert.equal(hostRule(globs)('api.example.com'), false);
    assert.equal(hostRule(globs)('orders'), true);
  }
});

test('with nothing but ! globs the other hosts are left open', () => {
  const rule = hostRule(['!*.example.com']);
  assert.equal(rule('api.example.com'), false);
  assert.equal(rule('orders'), undefined);
});

test('case, a dot at the end and the brackets of IPv6 addresses make no difference', () => {
  const rule = hostRule(['Orders.Prod.', 'fd00:*']);
  assert.equal(rule('orders.prod'), true);
  assert.equal(rule('ORDERS.prod.'), true);
  assert.equal(rule('[fd00::1]'), true);
});
