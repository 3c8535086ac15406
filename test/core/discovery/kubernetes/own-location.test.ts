import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { OwnLocationFinder } from '../../../../src/core/discovery/kubernetes/own-location.ts';
import { parseSlice, type Slice } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { podAt, sliceOf } from '../../../support/api-objects.ts';
import { placeIn } from './setup.ts';

const UNSET = { zone: undefined, nodeName: undefined };
const slice = parseSlice(
  sliceOf('orders', 'a', [
    podAt('10.0.0.1', { nodeName: 'n1', zone: 'z1' }),
    podAt('10.0.0.2', { nodeName: 'n2', zone: 'z2' }),
    podAt('fd00::2', { nodeName: 'n3', zone: 'z3' }),
  ]),
) as Slice;

function host(...addresses: string[]): NodeJS.Dict<NetworkInterfaceInfo[]> {
  const infos = addresses.map((address) => ({ address, internal: address.startsWith('127.') }));
  return { eth0: infos as NetworkInterfaceInfo[] };
}

test('what is set is so, and nothing else is learnt', (t) => {
  const place = { ...placeIn(t), interfaces: host('10.0.0.1') };
  const finder = new OwnLocationFinder(place, { zone: 'z9', nodeName: 'n9' });
  assert.equal(finder.learn(slice), false);
  assert.deepEqual([finder.zone, finder.nodeName], ['z9', 'n9']);
});

test('a downward API volume shows the zone among the labels', (t) => {
  const place = placeIn(t);
  writeFileSync(place.podLabels, 'app="web"\ntopology.kubernetes.io/zone="eu-1a"\n');
  assert.equal(new OwnLocationFinder(place, UNSET).zone, 'eu-1a');
  assert.equal(new OwnLocationFinder(place, { zone: 'eu-1b', nodeName: undefined }).zone, 'eu-1b');
});

test('an endpoint with the own address tells where we are', (t) => {
  const finder = new OwnLocationFinder({ ...placeIn(t), interfaces: host('127.0.0.1', '10.0.0.2') }, UNSET);
  assert.equal(finder.zone, undefined);
  assert.equal(finder.learn(slice), true);
  assert.deepEqual([finder.zone, finder.nodeName], ['z2', 'n2']);
  assert.equal(finder.learn(slice), false);
});

test('IPv6 addresses are the same however they are written', (t) => {
  const finder = new OwnLocationFinder({ ...placeIn(t), interfaces: host('fd00:0:0:0:0:0:0:2') }, UNSET);
  finder.learn(slice);
  assert.equal(finder.nodeName, 'n3');
});

test('an endpoint on the own node tells the zone', (t) => {
  const finder = new OwnLocationFinder(
    { ...placeIn(t), interfaces: host('10.9.9.9') },
    { ...UNSET, nodeName: 'n1' },
  );
  assert.equal(finder.learn(slice), true);
  assert.equal(finder.zone, 'z1');
});

test('from endpoints elsewhere nothing is learnt', (t) => {
  const finder = new OwnLocationFinder({ ...placeIn(t), interfaces: host('10.9.9.9') }, UNSET);
  assert.equal(finder.learn(slice), false);
  assert.deepEqual([finder.zone, finder.nodeName], [undefined, undefined]);
});
