import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { EJECTED } from '../../../src/core/endpoints/reasons.ts';
import { connect, type PartsOptions, startParts } from '../../support/pool-parts.ts';

function startCapacity(parts: PartsOptions = {}) {
  const started = startParts(parts);
  const [one, other] = started.pods as [Pod, Pod];
  const { pickers } = started.board;
  const pickerOf = ({ picker }: Pod) =>
    (['ready', 'dialable', 'untried'] as const).find((name) => pickers[name] === picker);
  /** Until then, all are cold. */
  const warm = () => {
    while (started.warmth.grow() !== undefined);
  };
  return { ...started, one, other, pickerOf, warm };
}

test('an endpoint with a connection that has room is ready, and dialable when it is busy or has closed', () => {
  const { one, pickerOf, warm } = startCapacity();
  warm();
  assert.equal(pickerOf(one), 'untried');
  const connection = connect(one);
  assert.equal(pickerOf(one), 'ready');
  one.begin();
  assert.equal(pickerOf(one), 'dialable');
  connection.retire('max-duration');
  assert.equal(pickerOf(one), 'dialable');
});

test('nothing is dialled that was not reached a moment ago, or has all the connections that it may have', () => {
  const { dials, one, other, pickerOf, transport, warm } = startCapacity({ options: { connections: 1 } });
  warm();
  dials.dial(one);
  assert.equal(pickerOf(one), undefined);
  transport.dials[0]!.fail(new Error('refused'));
  assert.equal(one.backoff !== undefined, true);
  assert.equal(pickerOf(one), undefined);
  connect(other);
  other.begin();
  assert.equal(pickerOf(other), undefined);
});

test('an endpoint has as many requests as it may, those for which it is dialled included', () => {
  const { capacity, dials, one, pickerOf, warm } = startCapacity({ options: { maxRequestsPerEndpoint: 2 } });
  warm();
  assert.equal(capacity.isLimited, true);
  one.beginAttempt();
  dials.start(one);
  assert.equal(pickerOf(one), undefined);
  connect(one);
  assert.equal(pickerOf(one), 'ready');
  one.beginAttempt();
  assert.equal(pickerOf(one), undefined);
  assert.equal(capacity.isOpen(one), false);
});

test('only where there are limits, and somebody is connected or dialled, can all be busy', () => {
  const { capacity, dials, one } = startCapacity({ options: { connections: 1 } });
  assert.equal(capacity.isSaturated, false);
  dials.start(one);
  assert.equal(capacity.isSaturated, true);
  const unlimited = startCapacity();
  unlimited.dials.start(unlimited.one);
  assert.equal(unlimited.capacity.isSaturated, false);
});

test('an endpoint is as busy as the limits allow until a request of its ends, unless it may not have any', () => {
  const { capacity, one, other, set } = startCapacity({ options: { connections: 1 } });
  connect(one);
  set.onConnectivity(one);
  one.begin();
  assert.equal(capacity.isBusy(one), true);
  assert.equal(capacity.isOtherBusy([other]), true);
  assert.equal(capacity.isOtherBusy([one]), false);
  one.bar(EJECTED);
  assert.equal(capacity.isBusy(one), false);
  assert.equal(capacity.isBusy(other), false);
});

test('one waits for an endpoint that is connected, or may be', () => {
  const { capacity, one, reach } = startCapacity();
  assert.equal(capacity.isUsable(one), true);
  reach.freeze(true);
  assert.equal(capacity.isUsable(one), false);
  connect(one);
  assert.equal(capacity.isUsable(one), true);
  one.bar(EJECTED);
  assert.equal(capacity.isUsable(one), false);
});

test('with HTTP/2, one dial makes room for many', () => {
  const http1 = startCapacity();
  http1.dials.start(http1.one);
  http1.reach.freeze(true);
  assert.equal(http1.capacity.isOpen(http1.one), false);
  const http2 = startCapacity({ multiplexes: true });
  http2.dials.start(http2.one);
  http2.reach.freeze(true);
  assert.equal(http2.capacity.isOpen(http2.one), true);
});
