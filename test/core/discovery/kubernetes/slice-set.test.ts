import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join, merge } from '../../../../src/core/discovery/kubernetes/selection.ts';
import { parseSlice, type Slice } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { SliceSet } from '../../../../src/core/discovery/kubernetes/slice-set.ts';
import { podAt, type SliceFacts, sliceOf } from '../../../support/api-objects.ts';

function slice(name: string, pods: Record<string, string>, facts?: SliceFacts): Slice {
  const endpoints = Object.entries(pods).map(([address, uid]) => podAt(address, uid === '' ? {} : { uid }));
  return parseSlice(sliceOf('orders', name, endpoints, facts)) as Slice;
}

test('it knows whether an address or a pod is there twice', () => {
  const set = new SliceSet();
  set.put(slice('a', { '10.0.0.1': 'p', '10.0.0.2': '' }));
  set.put(slice('b', { '10.0.0.3': 'q' }));
  assert.equal(set.overlap, false);

  set.put(slice('b', { '10.0.0.3': 'q', '10.0.0.2': '' }));
  assert.equal(set.overlap, true);
  set.put(slice('a', { '10.0.0.1': 'p' }));
  assert.equal(set.overlap, false);

  set.put(slice('c', { '10.0.0.9': 'p' }));
  assert.equal(set.overlap, true);
  set.delete('c');
  assert.equal(set.overlap, false);
});

test('a slice that replaces itself does not overlap with what it was', () => {
  const set = new SliceSet();
  for (let i = 0; i < 3; i++) set.put(slice('a', { '10.0.0.1': 'p' }));
  assert.equal(set.overlap, false);
  set.delete('a');
  set.delete('a');
  assert.equal(set.overlap, false);
  assert.deepEqual(set.toArray(), []);
});

test('a pod that is in slices of both families is not there twice', () => {
  const set = new SliceSet();
  set.put(slice('a', { '10.0.0.1': 'p' }));
  set.put(slice('b', { 'fd00::1': 'p' }, { addressType: 'IPv6' }));
  assert.equal(set.overlap, false);
});

test('where nothing is there twice, joining slices is as good as merging them', () => {
  const slices = [
    slice('a', { '10.0.0.1': 'p', '10.0.0.2': '' }),
    slice('b', { '10.0.0.3': 'q' }, { ports: { '': 9090 } }),
    slice('c', { '10.0.0.4': 'r' }, { ports: { admin: 1 } }),
  ];
  const portOf = ({ ports }: Slice) => ports.get('');
  assert.deepEqual(join(slices, portOf), merge(slices, portOf));
});
