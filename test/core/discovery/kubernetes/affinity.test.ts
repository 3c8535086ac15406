import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Affinity } from '../../../../src/core/discovery/kubernetes/affinity.ts';
import { merge, type ServingEndpoint } from '../../../../src/core/discovery/kubernetes/selection.ts';
import { parseSlice, type Slice } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { podAt, sliceOf } from '../../../support/api-objects.ts';
import { FakeClock } from '../../../support/clock.ts';

function pods(count: number, except: readonly string[] = []): ServingEndpoint[] {
  const endpoints = Array.from({ length: count }, (_, i) => podAt(`10.0.0.${i}`, { uid: `pod-${i}` }));
  const slice = parseSlice(sliceOf('orders', 'a', endpoints)) as Slice;
  return merge([slice], () => 8080).filter(({ address }) => !except.includes(address));
}

test('a client stays with its pod while others come and go', () => {
  const affinity = new Affinity('client-1', new FakeClock());
  const first = affinity.choose('orders:80', pods(5))?.address;
  for (const count of [6, 20, 5]) assert.equal(affinity.choose('orders:80', pods(count))?.address, first);
});

test('a client whose pod is gone takes another, and stays with that', () => {
  const affinity = new Affinity('client-1', new FakeClock());
  const first = affinity.choose('orders:80', pods(5))?.address as string;
  const second = affinity.choose('orders:80', pods(5, [first]))?.address;
  assert.notEqual(second, first);
  assert.equal(affinity.choose('orders:80', pods(5))?.address, second);
});

test('another pod at the same address is another pod', () => {
  const affinity = new Affinity('client-1', new FakeClock());
  const before = affinity.choose('orders:80', pods(1)) as ServingEndpoint;
  const after = { ...before, uid: 'replaced' };
  affinity.choose('orders:80', [after]);
  assert.equal(affinity.choose('orders:80', [before, after]), after);
});

test('processes of one client use the same pod; clients spread over all', () => {
  const clock = new FakeClock();
  const choice = (client: string) =>
    new Affinity(client, clock).choose('orders:80', pods(5))?.address as string;
  assert.equal(choice('client-1'), choice('client-1'));
  const counts = new Map<string, number>();
  for (let i = 0; i < 1_000; i++) {
    const address = choice(`client-${i}`);
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  assert.equal(counts.size, 5);
  // 200 each on average with a deviation of 13; four of those.
  for (const count of counts.values()) assert.ok(Math.abs(count - 200) < 52, String(count));
});

test('a client that stays away for the timeout is free to choose anew; one that is there keeps its pod', () => {
  const clock = new FakeClock();
  const affinity = new Affinity('client-1', clock);
  const favourite = affinity.choose('orders:80', pods(5))?.address as string;
  const second = affinity.choose('orders:80', pods(5, [favourite]))?.address;

  clock.advance('24h');
  assert.equal(affinity.choose('orders:80', pods(5))?.address, second);
  affinity.release('orders:80', 10_800_000);
  clock.advance('2h');
  assert.equal(affinity.choose('orders:80', pods(5))?.address, second);
  affinity.release('orders:80', 10_800_000);
  clock.advance('3h');
  clock.advance(1);
  assert.equal(affinity.choose('orders:80', pods(5))?.address, favourite);
});

test('nobody is chosen of nobody', () => {
  assert.equal(new Affinity('client-1', new FakeClock()).choose('orders:80', []), undefined);
});
