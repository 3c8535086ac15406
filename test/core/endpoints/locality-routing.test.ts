import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Locality, OWN_ZONE } from '../../../src/core/balancing/locality.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { LocalityRouting } from '../../../src/core/endpoints/locality-routing.ts';
import { settle } from '../../support/pods.ts';

const endpointOwner = {
  origin: 'http://orders.prod',
  place() {},
  onConnectivity() {},
  onRoom() {},
  onAging() {},
  outlivesAge: () => false,
  onConnectionRetired() {},
  onConnectionClosed() {},
  onClientEvent() {},
};

function startRouting(zones: readonly string[]) {
  const set = new EndpointSet(endpointOwner);
  const locality = new Locality('zone', { zone: 'here' }, () => 0);
  const told = { placed: [] as Endpoint[], shares: 0 };
  const routing = new LocalityRouting(
    {
      place: (endpoint) => void told.placed.push(endpoint),
      onSharesChanged: () => void told.shares++,
    },
    locality,
    set,
  );
  const update = (present: readonly string[], weights: readonly number[] = []) => {
    const endpoints = present.map((zone, n) => ({
      address: `10.0.0.${n + 1}`,
      port: 80,
      zone,
      weight: weights[n],
    }));
    const { gone } = set.replace({ endpoints, source: 'test' }, 8);
    routing.locate(gone, undefined);
  };
  update(zones);
  return { routing, locality, set, told, update, endpoints: [...set.current.values()] };
}

test('an endpoint is placed anew when it is found to be elsewhere, and only then', () => {
  const { told, update, endpoints } = startRouting(['here', 'there']);
  assert.deepEqual(
    endpoints.map(({ level }) => level),
    [OWN_ZONE, OWN_ZONE + 1],
  );
  assert.deepEqual(told.placed, [endpoints[1]]);
  update(['here', 'there']);
  assert.deepEqual(told.placed, [endpoints[1]]);
});

test('what many endpoints change together is weighed once', async () => {
  const { routing, told, endpoints } = startRouting(['here', 'here', 'there', 'there']);
  assert.equal(told.shares, 1);
  for (const endpoint of endpoints.slice(0, 2)) routing.review(endpoint, false);
  assert.equal(told.shares, 1);
  await settle();
  assert.equal(told.shares, 2);
  for (const endpoint of endpoints.slice(0, 2)) routing.review(endpoint, false);
  await settle();
  assert.equal(told.shares, 2);
});

test('where no endpoint near can be used, those elsewhere are used as much as any, until one can', async () => {
  const { routing, locality, endpoints } = startRouting(['here', 'here', 'there', 'there']);
  assert.equal(locality.densityOf(OWN_ZONE + 1), 0);
  for (const endpoint of endpoints.slice(0, 2)) routing.review(endpoint, false);
  await settle();
  assert.equal(locality.densityOf(OWN_ZONE + 1), 1);
  for (const endpoint of endpoints.slice(0, 2)) routing.review(endpoint, true);
  await settle();
  assert.equal(locality.densityOf(OWN_ZONE + 1), 0);
});

test('an endpoint that has left says nothing about those that are there', async () => {
  const { routing, told, update, endpoints } = startRouting(['here', 'there']);
  update(['here']);
  const { shares } = told;
  routing.review(endpoints[1]!, true);
  await settle();
  assert.equal(told.shares, shares);
});

test('a pod behind a virtual IP, which leaves without an update, is not kept in mind for not serving', async () => {
  const { routing, set, told } = startRouting(['here', 'there']);
  const pod = new Endpoint('10.0.0.1:80 pod-1', { address: '10.0.0.1', port: 80 }, endpointOwner, 'pod-1');
  set.pods.set('pod-1', pod);
  const { shares } = told;
  routing.review(pod, false);
  await settle();
  assert.equal(told.shares, shares);
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
  const { routing, locality, endpoints } = startRouting(['here', 'there', 'there', 'there']);
  for (const endpoint of endpoints) routing.review(endpoint, false);
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
