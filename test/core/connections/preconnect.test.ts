import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { COLD } from '../../../src/core/endpoints/reasons.ts';
import { connect, type PartsOptions, startParts } from '../../support/pool-parts.ts';

/** With traffic; so many of the endpoints are warm. */
function startPreconnect(count: number, warm = count, more: PartsOptions = {}) {
  const parts = startParts({ count, ...more });
  parts.demand.taken++;
  parts.warmth.start();
  for (let n = 0; n < warm; n++) parts.warmth.grow();
  return parts;
}

test('few endpoints are connected at once, more in the course of a second', () => {
  const few = startPreconnect(4);
  few.preconnect.connect(few.pods);
  assert.equal(few.transport.dialled.length, 4);
  const many = startPreconnect(5);
  many.preconnect.connect(many.pods);
  assert.equal(many.transport.dialled.length, 0);
  many.clock.advance('1s');
  assert.equal(many.transport.dialled.length, 5);
});

test('the fewer endpoints are connected, the sooner others are, for those that are take all requests meanwhile', () => {
  for (const [connected, most] of [
    [0, 100],
    [1, 100],
    [10, 500],
  ] as const) {
    const { clock, pods, preconnect, transport } = startPreconnect(20);
    for (const pod of pods.slice(0, connected)) connect(pod);
    preconnect.connect(pods.slice(connected));
    clock.advance(most);
    assert.equal(transport.dialled.length, 20 - connected, `${connected} of 20 are connected`);
  }
});

test('what has been connected meanwhile, or has become cold, is not dialled when its turn comes', () => {
  const { clock, pods, preconnect, transport } = startPreconnect(5);
  preconnect.connect(pods);
  connect(pods[0]!);
  pods[1]!.bar(COLD);
  clock.advance('1s');
  assert.deepEqual(transport.dialled, ['10.0.0.3', '10.0.0.4', '10.0.0.5']);
});

test('without traffic, or where a dial may lead to any pod, nothing is connected ahead', () => {
  const { pods, preconnect, set, transport, warmth } = startPreconnect(2);
  warmth.stop();
  preconnect.connect(pods);
  warmth.start();
  set.namesPods = true;
  preconnect.connect(pods);
  assert.deepEqual(transport.dialled, []);
  set.namesPods = false;
  preconnect.connect(pods);
  assert.equal(transport.dialled.length, 2);
});

test('what is warm and has lost its last connection is connected again', () => {
  const { pods, preconnect, transport } = startPreconnect(3);
  connect(pods[1]!);
  preconnect.reconnect();
  assert.deepEqual(transport.dialled.toSorted(), ['10.0.0.1', '10.0.0.3']);
});

test('a connection that nears its end has a successor, unless the next endpoint takes its turn', () => {
  const { pods, preconnect, transport } = startPreconnect(2, 1);
  const endpoint = pods.find(({ warm }) => warm)!;
  const next = pods.find(({ warm }) => !warm)!;
  connect(endpoint);
  preconnect.renew(endpoint);
  assert.equal(next.warm, true);
  assert.deepEqual(transport.dialled, [next.info.address]);
  preconnect.renew(endpoint);
  assert.deepEqual(transport.dialled, [next.info.address, endpoint.info.address]);
});

test('the successor for a pod behind a virtual IP is whatever the next dial leads to', () => {
  const { board, pods, preconnect, set, transport } = startPreconnect(2, 2, {
    virtual: true,
    options: { identityHeader: 'x-pod-name' },
  });
  const next = board.pickers.untried.pick();
  const pod = set.addPod('orders-1', pods[0]!);
  connect(pod);
  preconnect.renew(pod);
  assert.deepEqual(
    transport.dials.map(({ target }) => target),
    [next],
  );
});

test('with makeBeforeBreak off, connections end without a successor', () => {
  const { pods, preconnect, transport } = startPreconnect(1, 1, { makeBeforeBreak: false });
  connect(pods[0]!);
  preconnect.renew(pods[0]!);
  assert.deepEqual(transport.dialled, []);
});

test('a request to an endpoint that is not idle has another one warmed, and connected', () => {
  const { preconnect, transport, warmth } = startPreconnect(3, 1);
  preconnect.consider(0);
  assert.equal(warmth.warm.length, 1);
  preconnect.consider(1);
  assert.equal(warmth.warm.length, 2);
  assert.deepEqual(transport.dialled, [warmth.warm[1]!.info.address]);
});

test('an endpoint that has become warm, and has room, serves those that wait', async () => {
  const { board, pods, preconnect } = startPreconnect(1, 0);
  const [endpoint] = pods as [Pod];
  connect(endpoint);
  let served = 0;
  board.serveTo({ isAwaited: false, serve: () => served++, serveSoon() {}, onUnreached() {} });
  assert.equal(preconnect.grow(), true);
  assert.equal(served, 0, 'this may be on behalf of one of them');
  await Promise.resolve();
  assert.equal(served, 1);
});
