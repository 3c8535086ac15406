import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Locality, OWN_ZONE } from '../../../src/core/balancing/locality.ts';
import { Demand } from '../../../src/core/base/demand.ts';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { PooledEndpoint } from '../../../src/core/connections/pooled-endpoint.ts';
import { WarmSet } from '../../../src/core/connections/warm-set.ts';
import { Warmth } from '../../../src/core/connections/warmth.ts';
import { PickerBoard } from '../../../src/core/endpoints/board.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { HealthRecord } from '../../../src/core/endpoints/health-record.ts';
import { LocalityRouting } from '../../../src/core/endpoints/locality-routing.ts';
import { Pickers } from '../../../src/core/endpoints/pickers.ts';
import {
  BACKING_OFF,
  EJECTED,
  FAILING,
  IN_DOUBT,
  PAUSED,
  SILENT,
} from '../../../src/core/endpoints/reasons.ts';
import { FakeClock } from '../../support/clock.ts';
import { NO_LIMITS } from '../../support/endpoints.ts';
import { settle } from '../../support/pods.ts';

/** Says which endpoints were placed. */
class WatchedBoard extends PickerBoard<Pod> {
  readonly placed: Pod[] = [];

  override update(endpoint: Pod): void {
    this.placed.push(endpoint);
    super.update(endpoint);
  }
}

/** Says how often its endpoints were sorted anew: there are other shares. */
class CountedWarmth extends Warmth {
  shares = 0;

  override sort(): readonly Pod[] {
    this.shares++;
    return super.sort();
  }
}

function startRouting(zones: readonly string[], virtual = false) {
  const locality = new Locality('zone', { zone: 'here' }, () => 0);
  const pickers = new Pickers<Pod>(
    {
      policy: 'least-request',
      peakEwma: { decay: 1, seed: 1 },
      clock: new FakeClock(),
      random: () => 0,
    },
    locality,
  );
  const board = new WatchedBoard('http://orders.prod', pickers, Number.POSITIVE_INFINITY);
  const set = new EndpointSet<Pod>(
    (key, info, name) => new PooledEndpoint(key, info, board, NO_LIMITS, name),
  );
  const warmth = new CountedWarmth(new WarmSet('client'), 4_000, new Demand());
  const routing = new LocalityRouting<Pod>({ locality, set, board, onWeighed: () => warmth.sort() });
  // As the pool does.
  board.watch((endpoint) => routing.review(endpoint));
  const update = (present: readonly string[], weights: readonly number[] = []) => {
    const endpoints = present.map((zone, n) => ({
      address: `10.0.0.${n + 1}`,
      port: 80,
      zone,
      weight: weights[n],
    }));
    const { gone } = set.replace({ endpoints, source: 'test', virtual }, 1);
    routing.locate(gone, undefined);
  };
  update(zones);
  return { routing, locality, set, board, warmth, update, endpoints: [...set.current.values()] };
}

test('an endpoint is placed anew when it is found to be elsewhere, and only then', () => {
  const { board, update, endpoints } = startRouting(['here', 'there']);
  assert.deepEqual(
    endpoints.map(({ level }) => level),
    [OWN_ZONE, OWN_ZONE + 1],
  );
  assert.deepEqual(board.placed, [endpoints[1]]);
  update(['here', 'there']);
  assert.deepEqual(board.placed, [endpoints[1]]);
});

test('what many endpoints change together is weighed once', async () => {
  const { routing, warmth, endpoints } = startRouting(['here', 'here', 'there', 'there']);
  assert.equal(warmth.shares, 1);
  for (const endpoint of endpoints.slice(0, 2)) endpoint.bar(EJECTED);
  assert.equal(warmth.shares, 1);
  await settle();
  assert.equal(warmth.shares, 2);
  for (const endpoint of endpoints.slice(0, 2)) routing.review(endpoint);
  await settle();
  assert.equal(warmth.shares, 2);
});

for (const [name, reason] of Object.entries({ EJECTED, PAUSED, BACKING_OFF, FAILING, SILENT, IN_DOUBT })) {
  test(`where no endpoint near can be used (${name}), those elsewhere are used as much as any, until one can`, async () => {
    const { locality, endpoints } = startRouting(['here', 'here', 'there', 'there']);
    assert.equal(locality.densityOf(OWN_ZONE + 1), 0);
    for (const endpoint of endpoints.slice(0, 2)) endpoint.bar(reason);
    await settle();
    assert.equal(locality.densityOf(OWN_ZONE + 1), 1);
    for (const endpoint of endpoints.slice(0, 2)) endpoint.lift(reason);
    await settle();
    assert.equal(locality.densityOf(OWN_ZONE + 1), 0);
  });
}

for (const standing of ['out', 'unreachable', 'silent'] as const) {
  test(`endpoints near that are ${standing} keep nothing near, though they are used, or dialled again`, async () => {
    const { locality, endpoints } = startRouting(['here', 'here', 'there', 'there']);
    for (const endpoint of endpoints.slice(0, 2)) {
      const record = new HealthRecord();
      record.standing = standing;
      endpoint.setHealth(record);
      endpoint.bar(BACKING_OFF);
      endpoint.lift(BACKING_OFF);
    }
    await settle();
    assert.equal(locality.densityOf(OWN_ZONE + 1), 1);
  });
}

test('an endpoint that has left says nothing about those that are there', async () => {
  const { routing, warmth, update, endpoints } = startRouting(['here', 'there']);
  update(['here']);
  const { shares } = warmth;
  routing.review(endpoints[1]!);
  endpoints[1]!.bar(EJECTED);
  endpoints[1]!.lift(EJECTED);
  await settle();
  assert.equal(warmth.shares, shares);
});

test('a pod behind a virtual IP, which leaves without an update, is not kept in mind for not serving', async () => {
  const { set, warmth, endpoints } = startRouting(['here'], true);
  const pod = set.addPod('orders-1', endpoints[0]!);
  const { shares } = warmth;
  pod.bar(EJECTED);
  await settle();
  assert.equal(warmth.shares, shares);
});

/** How many of so many requests stay near. */
function nearOf(locality: Locality, count: number): number {
  let near = 0;
  for (let n = 0; n < count; n++) {
    if (locality.preferred === OWN_ZONE) near++;
    locality.used(locality.preferred);
  }
  return near;
}

test('where no endpoint can be used, all are tried', async () => {
  const { locality, endpoints } = startRouting(['here', 'there', 'there', 'there']);
  for (const endpoint of endpoints) endpoint.bar(EJECTED);
  await settle();
  assert.equal(nearOf(locality, 400), 200);
});

test('shares follow the weights of the present set, whatever endpoints weigh until they are no longer new', () => {
  const { locality, update, endpoints } = startRouting(['here', 'there']);
  for (const endpoint of endpoints) endpoint.weight = 0.1;
  update(['here', 'there'], [1, 3]);
  // Of two zones, the own one has a quarter of the weight: half of its requests go to the other.
  assert.equal(nearOf(locality, 400), 200);
});
