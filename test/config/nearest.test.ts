import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/config/nearest.ts';

const NAMES = ['spread', 'policy', 'discovery', 'maxConnectionDuration', 'maxRequestsPerConnection'];

test('letters left out, added, swapped or in another case lead to the name meant', () => {
  assert.equal(nearest('sprad', NAMES), 'spread');
  assert.equal(nearest('discoverry', NAMES), 'discovery');
  assert.equal(nearest('poilcy', NAMES), 'policy');
  assert.equal(nearest('MAXCONNECTIONDURATION', NAMES), 'maxConnectionDuration');
  assert.equal(nearest('maxConnDuration', NAMES), 'maxConnectionDuration');
});

test('a name like no other leads nowhere', () => {
  assert.equal(nearest('colour', NAMES), undefined);
  assert.equal(nearest('x', NAMES), undefined);
});
