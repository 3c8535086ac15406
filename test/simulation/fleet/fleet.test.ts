import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMacrotask } from '../microtasks.ts';
import { type FleetFound, playFleet, type Way } from './fleet.ts';

/** Ten clients, two pods that become four, five minutes. */
function small(way: Way): Promise<FleetFound> {
  const rate = (minute: number) => Math.min(40, 18 + minute * 15);
  return inMacrotask(() => playFleet({ way, clients: 10, minutes: 5, pods: { least: 2, most: 4 }, rate }));
}

test('with EndpointSlices all pods of a fleet are as busy soon after a scale-out', async () => {
  const { looks, evenAfter, failed, requests } = await small({
    name: 'slices',
    client: 'evenkeel',
    sight: 'EndpointSlices',
  });
  assert.equal(looks.at(-1)!.utilisations.length, 4);
  assert.ok(evenAfter <= 120, `even after ${evenAfter} s`);
  assert.equal(failed, 0);
  assert.ok(requests > 5_000);
});

test('a fleet is the same each time', async () => {
  const way = { name: 'ClusterIP', client: 'evenkeel', sight: 'ClusterIP' } as const;
  assert.deepEqual(await small(way), await small(way));
});

test('stock clients make their connections through the ClusterIP, and are served', async () => {
  const { failed, requests, looks } = await small({ name: 'stock', client: 'stock' });
  assert.ok(requests > 5_000 && failed < requests / 10);
  assert.ok(looks.length > 15);
});
