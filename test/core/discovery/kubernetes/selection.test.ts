import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  keyOf,
  merge,
  type ServingEndpoint,
  usable,
  usableHere,
} from '../../../../src/core/discovery/kubernetes/selection.ts';
import { parseSlice, type Slice, type SliceObject } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { leaving, type PodFacts, podAt, type SliceFacts, sliceOf } from '../../../support/api-objects.ts';

const NOWHERE = { zone: undefined, nodeName: undefined };

function slice(name: string, endpoints: NonNullable<SliceObject['endpoints']>, facts?: SliceFacts): Slice {
  return parseSlice(sliceOf('orders', name, endpoints, facts)) as Slice;
}

function merged(...slices: Slice[]): ServingEndpoint[] {
  return merge(slices, ({ ports }) => ports.get(''));
}

function keys(candidates: readonly ServingEndpoint[]): string {
  return candidates.map(keyOf).join(' ');
}

function chosen(endpoints: NonNullable<SliceObject['endpoints']>): string {
  return keys(usable(merged(slice('a', endpoints)), NOWHERE));
}

test('endpoints of all slices are taken together, each at the port of its own slice', () => {
  const set = merged(
    slice('a', [podAt('10.0.0.1'), podAt('10.0.0.2')]),
    slice('b', [podAt('10.0.0.3')], { ports: { '': 9090 } }),
    slice('c', [podAt('10.0.0.4')], { ports: { metrics: 9100 } }),
    slice('d', [podAt('10.0.0.5')], { ports: {} }),
    slice('e', []),
  );
  assert.equal(keys(set), '10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:9090');
});

test('ports of other protocols than TCP are none', () => {
  assert.equal(keys(merged(slice('a', [podAt('10.0.0.1')], { protocol: 'UDP' }))), '');
});

test('one of 250 endpoints in three slices is as good as another', () => {
  const addresses = Array.from({ length: 250 }, (_, i) => `10.0.${i >> 7}.${i & 127}`);
  const slices = [0, 100, 200].map((start) =>
    slice(
      `s${start}`,
      addresses.slice(start, start + 100).map((address) => podAt(address)),
    ),
  );
  assert.deepEqual(
    merged(...slices).map(({ address }) => address),
    addresses,
  );
  assert.deepEqual(
    merged(slices[0] as Slice, slices[2] as Slice).map(({ address }) => address),
    [...addresses.slice(0, 100), ...addresses.slice(200)],
  );
});

test('an endpoint in two slices counts once, as the slice that was written last has it', () => {
  const before = slice('a', [podAt('10.0.0.1', { uid: 'p' })], { version: '99' });
  const after = slice('b', [leaving('10.0.0.1', { uid: 'p' })], { version: '100' });
  for (const slices of [
    [before, after],
    [after, before],
  ]) {
    const set = merged(...slices);
    assert.equal(set.length, 1);
    assert.equal(set[0]?.terminating, true);
  }
});

test('versions longer than a number can hold are compared', () => {
  const before = slice('a', [podAt('10.0.0.1')], { version: '9007199254740993000' });
  const after = slice('b', [leaving('10.0.0.1')], { version: '9007199254740993001' });
  assert.equal(merged(after, before)[0]?.terminating, true);
});

test('a pod with two addresses counts once', () => {
  const before = slice('a', [podAt('10.0.0.1', { uid: 'p' }), podAt('10.0.0.2', { uid: 'q' })], {
    version: '7',
  });
  const after = slice('b', [podAt('10.0.0.9', { uid: 'p' })], { version: '8' });
  assert.equal(keys(merged(before, after)), '10.0.0.2:8080 10.0.0.9:8080');
  assert.equal(keys(merged(after, before)), '10.0.0.9:8080 10.0.0.2:8080');
});

test('an address that another pod had before belongs to the one written last', () => {
  const old = slice('a', [leaving('10.0.0.1', { uid: 'old' })], { version: '7' });
  const young = slice('b', [podAt('10.0.0.1', { uid: 'new' })], { version: '8' });
  for (const slices of [
    [old, young],
    [young, old],
  ]) {
    const set = merged(...slices);
    assert.deepEqual(
      set.map(({ target }) => target.id),
      ['new'],
    );
  }
});

test('the owner of several addresses that is not a pod does not make them one', () => {
  const byHand = ['10.0.0.1', '10.0.0.2'].map((address) => ({
    ...podAt(address),
    targetRef: { kind: 'VirtualMachine', uid: 'vm' },
  }));
  assert.equal(keys(merged(slice('a', byHand))), '10.0.0.1:8080 10.0.0.2:8080');
});

test('only the first of several addresses counts', () => {
  const endpoint = { ...podAt('10.0.0.1'), addresses: ['10.0.0.1', '10.0.0.2'] };
  assert.equal(keys(merged(slice('a', [endpoint, { addresses: [] }]))), '10.0.0.1:8080');
});

test('endpoints that are names are left to DNS', () => {
  assert.equal(
    parseSlice(sliceOf('orders', 'a', [podAt('db.example.com')], { addressType: 'FQDN' })),
    undefined,
  );
});

test('an endpoint whose readiness is not said is ready', () => {
  const silent: PodFacts[] = [{ ready: null, serving: null, terminating: null }];
  assert.equal(chosen(silent.map((facts) => podAt('10.0.0.1', facts))), '10.0.0.1:8080');
  assert.equal(chosen([{ addresses: ['10.0.0.1'] }]), '10.0.0.1:8080');
});

test('ready endpoints serve, and no others while there are some', () => {
  const set = [podAt('10.0.0.1'), podAt('10.0.0.2', { ready: false }), leaving('10.0.0.3')];
  assert.equal(chosen(set), '10.0.0.1:8080');
});

test('with none ready, those that still serve while they terminate do', () => {
  const gone = leaving('10.0.0.3', { serving: false });
  assert.equal(chosen([podAt('10.0.0.1', { ready: false }), leaving('10.0.0.2'), gone]), '10.0.0.2:8080');
});

test('with none that serves there are none', () => {
  assert.equal(chosen([podAt('10.0.0.1', { ready: false }), leaving('10.0.0.2', { serving: false })]), '');
});

test('pods that are published whatever their state serve until they terminate', () => {
  const starting = podAt('10.0.0.1', { ready: true, serving: false });
  const stopping = leaving('10.0.0.2', { ready: true });
  const stopped = leaving('10.0.0.3', { ready: true, serving: false });
  assert.equal(chosen([starting, stopping, stopped]), '10.0.0.1:8080');
  assert.equal(chosen([stopping, stopped]), '10.0.0.2:8080');
  assert.equal(chosen([stopped]), '10.0.0.3:8080');
});

test('a Service that is local serves from the own node, with the same fallback, and whatever the hints', () => {
  const here = (address: string, facts?: PodFacts) => podAt(address, { nodeName: 'n1', ...facts });
  const there = podAt('10.0.0.9', { nodeName: 'n2', forZones: ['z1'] });
  const local = (...endpoints: NonNullable<SliceObject['endpoints']>) =>
    keys(usableHere(merged(slice('a', endpoints)), 'n1'));
  assert.equal(
    local(here('10.0.0.1', { forZones: ['z2'] }), here('10.0.0.2'), there),
    '10.0.0.1:8080 10.0.0.2:8080',
  );
  assert.equal(local(leaving('10.0.0.1', { nodeName: 'n1' }), there), '10.0.0.1:8080');
  assert.equal(local(there), '');
});

test('what is yielded says where a pod is, and which it is', () => {
  const [candidate] = merged(slice('a', [podAt('10.0.0.1', { uid: 'p', zone: 'z1', nodeName: 'n1' })]));
  assert.deepEqual(candidate?.target, {
    address: '10.0.0.1',
    port: 8080,
    id: 'p',
    zone: 'z1',
    nodeName: 'n1',
  });
});
