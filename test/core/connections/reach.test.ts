import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { FROZEN } from '../../../src/core/endpoints/reasons.ts';
import { connect, type PartsOptions, startParts } from '../../support/pool-parts.ts';

function startReach(options: PartsOptions = {}) {
  const parts = startParts(options);
  const [one] = parts.pods as [Pod];
  const isFrozen = () => (one.reasons & FROZEN) !== 0;
  return { ...parts, one, isFrozen };
}

test('while what is known may be out of date, only what has answered a moment ago is dialled', () => {
  const { clock, isFrozen, one, reach } = startReach();
  connect(one);
  clock.advance('1m');
  reach.onAnswer(one, clock.now());
  reach.freeze(true);
  assert.equal(reach.mayDial(one), true);
  clock.advance(999);
  assert.equal(reach.mayDial(one), true);
  clock.advance(1);
  assert.equal(reach.mayDial(one), false);
  assert.equal(isFrozen(), true);
  reach.onAnswer(one, clock.now());
  assert.equal(isFrozen(), false);
  clock.advance('1s');
  assert.equal(reach.mayReach(one), false);
  reach.freeze(false);
  assert.equal(isFrozen(), false);
  assert.equal(reach.mayDial(one), true);
});

test('an endpoint that has closed its last connection since it answered may have ended', () => {
  const { clock, one, reach } = startReach();
  const connection = connect(one);
  reach.onAnswer(one, clock.now());
  reach.freeze(true);
  assert.equal(reach.mayReach(one), true);
  connection.retire('closed-by-peer');
  assert.equal(reach.mayReach(one), false);
});

test('no more connections are made than may be', () => {
  const { dials, one, reach } = startReach({ options: { connections: 2 } });
  connect(one);
  assert.equal(reach.mayDial(one), true);
  dials.start(one);
  assert.equal(reach.mayDial(one), false);
});

test('a pod behind a virtual IP can’t be dialled by itself', () => {
  const { one, reach, set } = startReach({ virtual: true });
  assert.equal(reach.mayDial(one), true);
  assert.equal(reach.mayDial(set.addPod('orders-1', one)), false);
});

test('an endpoint is dialled for requests to come while it is warm and was reached', () => {
  const { dials, one, reach, transport, warmth } = startReach({ count: 1 });
  assert.equal(reach.mayDialNext(one), false, 'it is cold');
  warmth.grow();
  assert.equal(reach.mayDialNext(one), true);
  dials.start(one);
  transport.dials[0]!.fail(new Error('refused'));
  assert.equal(reach.mayDialNext(one), false);
});

test('a connection could be replaced unless its endpoint could not be reached the last time', () => {
  const { dials, one, reach, transport } = startReach();
  assert.equal(reach.mayReplace(one), true);
  connect(one);
  assert.equal(reach.mayReplace(one), true);
  dials.start(one);
  transport.dials[0]!.fail(new Error('refused'));
  assert.equal(reach.mayReplace(one), false);
});
