import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../../../src/core/discovery/kubernetes/topology.ts';

interface Hinted {
  name: string;
  nodeHints: string[];
  zoneHints: string[];
}

function pod(name: string, zoneHints: string[] = [], nodeHints: string[] = []): Hinted {
  return { name, zoneHints, nodeHints };
}

function near(pods: Hinted[], zone?: string, nodeName?: string): string {
  return nearest(pods, { zone, nodeName })
    .map(({ name }) => name)
    .join(' ');
}

const zoned = [pod('a', ['z1']), pod('b', ['z2']), pod('c', ['z1', 'z2'])];
const noded = [pod('a', ['z1'], ['n1']), pod('b', ['z1'], ['n2']), pod('c', ['z2'], ['n3'])];

test('zone hints choose those meant for the own zone', () => {
  assert.equal(near(zoned, 'z1'), 'a c');
  assert.equal(near(zoned, 'z2'), 'b c');
});

test('node hints come first', () => {
  assert.equal(near(noded, 'z1', 'n2'), 'b');
});

test('with no endpoint for the own node, the zone decides', () => {
  assert.equal(near(noded, 'z1', 'n9'), 'a b');
});

test('with none for the own zone, all serve', () => {
  assert.equal(near(zoned, 'z9'), 'a b c');
});

test('hints that one endpoint lacks are ignored for all', () => {
  assert.equal(near([...zoned, pod('d')], 'z1'), 'a b c d');
  assert.equal(near([...noded, pod('d', ['z1'])], 'z1', 'n1'), 'a b d');
});

test('hints mean nothing to whom does not know where it is', () => {
  assert.equal(near(zoned), 'a b c');
  assert.equal(near(noded), 'a b c');
});

test('nobody is near when there is nobody', () => {
  assert.equal(near([], 'z1', 'n1'), '');
});
