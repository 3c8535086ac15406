import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { formatAddress } from '../../../src/core/endpoints/endpoint-keys.ts';
import { ordinalOf } from '../../../src/core/endpoints/subset.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { startPods } from '../../support/pods.ts';
import { CLIENTS, clientsOf, key, moved, POLICIES, pods, SIZE, subsets } from '../../support/subsets.ts';
import { testLosses } from './losses.ts';

for (const policy of ['even', 'rendezvous'] as const) {
  test(`${policy}: the order of the pods means nothing`, () => {
    const among = pods(300);
    assert.equal(moved(subsets(policy, among, 50), subsets(policy, among.toReversed(), 50)), 0);
  });
}

test('where there are few pods, all clients have their fill', () => {
  for (const count of [1, 19, 20, 21, 39, 150]) {
    const among = pods(count);
    const all = subsets('even', among);
    for (const subset of all) assert.equal(subset.size, Math.min(SIZE, count));
    const mean = Math.min(SIZE, count) * (CLIENTS / count);
    for (const n of clientsOf(among, all)) assert.ok(Math.abs(n - mean) <= mean * 0.15, `${n}, ${mean}`);
  }
});

test('the name of a StatefulSet’s pod ends with its ordinal', () => {
  assert.equal(ordinalOf('web-0'), 0);
  assert.equal(ordinalOf('shop-cart-117'), 117);
  for (const name of [
    'orders-7d4b9c6f5-x2x9k',
    'orders-7d4b9c6f5-24567',
    'web-07',
    'laptop',
    '-3',
    'a-1.example',
  ]) {
    assert.equal(ordinalOf(name), undefined, name);
  }
});

test('an agent uses as many pods as its subset has, and keeps them when others come', async (t) => {
  const all = await startPods(t, 8);
  const resolver = new ManualResolver(all.slice(0, 7));
  const agent = startAgent(t, [], { discovery: resolver.resolve, subset: { size: 3, index: 4 } });
  const addresses = () => agent.stats[ORIGIN]!.endpoints.map(({ address }) => address);
  await load(agent, 60, 6);
  const before = addresses();
  assert.equal(before.length, 3);
  for (const { requests, endpoint } of all) {
    assert.ok(requests === 0 || before.includes(formatAddress(endpoint)));
  }
  const updated = Promise.withResolvers<unknown>();
  subscribe('evenkeel:discovery:update', updated.resolve);
  t.after(() => unsubscribe('evenkeel:discovery:update', updated.resolve));
  resolver.set(all);
  await updated.promise;
  assert.equal(addresses().length, 3);
  assert.ok(addresses().filter((address) => before.includes(address)).length >= 2);
});

testLosses(4);

test('a subset that is made greater begins with what it was', () => {
  const among = pods(300);
  for (const policy of ['even', 'rendezvous'] as const) {
    for (let client = 0; client < 40; client++) {
      const subset = POLICIES[policy](client);
      const own = subset(among, key);
      for (const times of [2, 4, 8]) {
        const more = subset(among, key, times);
        assert.deepEqual(more.slice(0, SIZE), own);
        assert.ok(new Set(more).size === more.length && more.length > SIZE);
      }
      assert.equal(subset(among, key, 16).length, 300);
    }
  }
});

test('a virtual IP has no subsets', async (t) => {
  const resolver = new ManualResolver();
  const [pod] = await startPods(t, 1);
  resolver.set([pod!], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, subset: { size: 3 }, spread: 5 });
  await get(agent);
  assert.equal(agent.stats[ORIGIN]!.endpoints.length, 5);
});
