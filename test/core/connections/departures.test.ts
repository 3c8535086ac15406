import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { EJECTED } from '../../../src/core/endpoints/reasons.ts';
import { recordOf } from '../../../src/core/health/standings.ts';
import { connect, startParts } from '../../support/pool-parts.ts';

function startDepartures({ virtual = false } = {}) {
  const parts = startParts({ virtual });
  // Seats are counted from the first one on.
  const seat = parts.seats.take(() => true)!;
  parts.seats.leave(seat);
  const [one, other] = parts.pods as [Pod, Pod];
  /** Those that may have a seat. */
  const offered = () => {
    const seen = new Set<Pod>();
    parts.seats.take((endpoint) => seen.add(endpoint) === undefined);
    return [...seen].map(({ key }) => key).toSorted();
  };
  return { ...parts, one, other, offered };
}

test('what was removed drains at once', () => {
  const { departures, dials, offered, one, other, transport } = startDepartures();
  const connection = connect(one);
  dials.start(one);
  recordOf(one).failures = 1;
  assert.deepEqual(offered(), [one.key, other.key]);
  departures.replaced([one], false);
  assert.equal(one.isDraining, true);
  assert.equal(connection.retired, 'endpoint-removed');
  assert.deepEqual(offered(), [other.key]);
  assert.equal(one.health, undefined);
  assert.equal(transport.dials[0]!.abandoned, true);
});

test('what another way to the Service replaces goes on for a moment, as far as it is connected', () => {
  const { clock, departures, one, other, set } = startDepartures();
  connect(one);
  departures.replaced([one, other], true);
  assert.equal(other.isDraining, true);
  assert.deepEqual([...set.superseded], [one]);
  clock.advance(1_499);
  assert.equal(one.isDraining, false);
  clock.advance(1);
  assert.equal(one.isDraining, true);
  assert.equal(set.superseded.size, 0);
  assert.equal(clock.pending, 0);
});

test('a pod behind a virtual IP is forgotten with its last connection, unless it is passed over', () => {
  const { departures, offered, one, seats, set } = startDepartures({ virtual: true });
  const pod = set.addPod('orders-1', one);
  seats.offer(pod, true);
  recordOf(pod).failures = 1;
  pod.bar(EJECTED);
  departures.forgetIfClosed(pod);
  assert.equal(set.pods.size, 1);
  pod.lift(EJECTED);
  departures.forgetIfClosed(pod);
  assert.equal(set.pods.size, 0);
  assert.equal(pod.health, undefined);
  assert.equal(offered().includes(pod.key), false);
});

test('an endpoint that is not behind a virtual IP keeps what is held against it', () => {
  const { departures, offered, one, other } = startDepartures();
  const record = recordOf(one);
  departures.forgetIfClosed(one);
  assert.equal(one.health, record);
  assert.deepEqual(offered(), [one.key, other.key]);
});

test('an endpoint that was replaced has no seat any more, though it could not be dialled before', () => {
  const { board, departures, dials, offered, one, other, seats, transport } = startDepartures();
  // As the pool does.
  board.watch((endpoint) => seats.offer(endpoint, endpoint.isAvailable));
  connect(one);
  dials.start(one);
  transport.dials[0]!.fail(new Error('refused'));
  departures.replaced([one], true);
  assert.deepEqual(offered(), [other.key]);
});
