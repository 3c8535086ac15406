import assert from 'node:assert/strict';
import test from 'node:test';
import { searchList } from '../../../../src/core/discovery/dns/search-list.ts';

const search = ['prod.svc.cluster.local', 'svc.cluster.local'];

test('a name with fewer dots than ndots is tried in the domains first, then as it is', () => {
  assert.deepEqual(searchList('orders', { search, ndots: 5 }), [
    'orders.prod.svc.cluster.local',
    'orders.svc.cluster.local',
    'orders',
  ]);
  assert.deepEqual(searchList('a.b.c.d.e', { search, ndots: 5 }).at(-1), 'a.b.c.d.e');
});

test('a name with as many dots as ndots is tried as it is first, then in the domains', () => {
  assert.deepEqual(searchList('a.b.c.d.e.f', { search, ndots: 5 }), [
    'a.b.c.d.e.f',
    'a.b.c.d.e.f.prod.svc.cluster.local',
    'a.b.c.d.e.f.svc.cluster.local',
  ]);
  assert.deepEqual(searchList('orders', { search, ndots: 0 })[0], 'orders');
});

test('a name that ends with a dot is absolute', () => {
  assert.deepEqual(searchList('orders.', { search, ndots: 5 }), ['orders']);
});

test('an empty search list, or the root in it, leaves the name as it is, once', () => {
  assert.deepEqual(searchList('orders', { search: [], ndots: 1 }), ['orders']);
  assert.deepEqual(searchList('orders', { search: ['', 'a.test'], ndots: 1 }), ['orders', 'orders.a.test']);
});
