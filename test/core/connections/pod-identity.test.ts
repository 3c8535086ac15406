import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, Pod } from '../../../src/core/connections/connection.ts';
import { UNTRIED } from '../../../src/core/endpoints/reasons.ts';
import { connect as connectTo, startParts } from '../../support/pool-parts.ts';

const HEADER = 'x-pod-name';
const AGE = 60_000;

/** With traffic, a virtual IP that is taken for two endpoints, and both of them warm and reached before. */
function startPodIdentity({ virtual = true, maxSpread = 8 } = {}) {
  const parts = startParts({ virtual, options: { identityHeader: HEADER, maxSpread } });
  const { board, clock, podIdentity, pods, spread, warmth } = parts;
  const [slot, other] = pods as [Pod, Pod];
  // So many that they keep a hundred pods connected.
  parts.demand.taken += 200;
  warmth.start();
  while (warmth.grow() !== undefined);
  for (const pod of pods) pod.lift(UNTRIED);
  spread.follow();
  spread.stop();
  /** A connection of the slot that carries a request. */
  const connect = (): Connection => {
    const connection = connectTo(slot, { clock, maxDuration: AGE });
    connection.reserve();
    slot.restack(connection);
    return connection;
  };
  /** As if a connection, a new one of the slot's, had a response. Says to which endpoint it belongs then. */
  const respond = (headers: Record<string, string>, status = 200, connection = connect()): Pod => {
    connection.tell(true);
    const pod = podIdentity.identify(connection, connection.endpoint, status, headers);
    assert.equal(connection.endpoint, pod);
    return pod;
  };
  /** Two pods have told their names. */
  const respondTwice = () => ['orders-1', 'orders-2'].map((name) => respond({ [HEADER]: name }));
  /** Whether dials are taken to lead to any pod, so that those known to be reached don't come first. */
  const leadsAnywhere = () => other.picker === board.pickers.untried;
  return { ...parts, connect, leadsAnywhere, respond, respondTwice, slot };
}

test('as soon as there are two names, a connection belongs to the pod that its first response names', () => {
  const { connect, respond, set, slot } = startPodIdentity();
  const first = connect();
  assert.equal(respond({ [HEADER]: 'orders-1' }, 200, first), slot);
  assert.equal(first.told, true);
  assert.equal(set.namesPods, false);
  const second = respond({ [HEADER]: 'orders-2' });
  assert.equal(second.identity, 'orders-2');
  assert.equal(respond({ [HEADER]: 'orders-2' }), second);
  assert.equal(first.told, false, 'its next response is looked at once more');
  const pod = respond({}, 200, first);
  assert.equal(pod.identity, 'orders-1');
  assert.equal(set.kindOf(pod), 'pod');
  assert.deepEqual([...set.known], [second, pod]);
});

test('pods beyond those that may be held stay behind their slot', () => {
  const { respond, respondTwice, slot } = startPodIdentity({ maxSpread: 1 });
  respondTwice();
  respond({ [HEADER]: 'orders-2' });
  assert.equal(respond({ [HEADER]: 'orders-3' }), slot);
});

test('where a response names no pod, or all name the same, there is nothing to see', () => {
  const { leadsAnywhere, respond, set, slot } = startPodIdentity();
  for (const headers of [{}, { [HEADER]: 'envoy' }, { [HEADER]: 'envoy' }]) {
    assert.equal(respond(headers as Record<string, string>), slot);
    assert.equal(set.namesPods, false);
    assert.equal(leadsAnywhere(), false);
  }
});

test('when a name appears after all, pods are told apart from then on', () => {
  const { connect, leadsAnywhere, respond, set, slot } = startPodIdentity();
  const connection = connect();
  assert.equal(respond({}, 200, connection), slot);
  assert.equal(connection.told, false);
  respond({ [HEADER]: 'orders-2' });
  assert.equal(respond({ [HEADER]: 'orders-1' }, 200, connection).identity, 'orders-1');
  assert.equal(set.namesPods, true);
  assert.equal(leadsAnywhere(), true);
  assert.equal(respond({}), slot);
  assert.equal(set.namesPods, true);
});

test('a connection that never names a pod is not asked for ever', () => {
  const { connect, respond } = startPodIdentity();
  const connection = connect();
  for (let n = 0; n < 15; n++) {
    respond({}, 200, connection);
    assert.equal(connection.told, false);
    connection.reserve();
  }
  respond({}, 200, connection);
  assert.equal(connection.told, true);
});

test('a name of no letters is none, nor is one that is longer than any', () => {
  const { connect, respond } = startPodIdentity();
  const connection = connect();
  for (const name of ['', 'x'.repeat(256)]) {
    respond({ [HEADER]: name }, 200, connection);
    assert.equal(connection.podName, null);
  }
});

test('an error without a name is no evidence', () => {
  const { connect, respond, slot } = startPodIdentity();
  const connection = connect();
  for (const status of [404, 429, 500, 503]) {
    assert.equal(respond({}, status, connection), slot);
    assert.equal(connection.podName, undefined);
    assert.equal(connection.told, false);
  }
});

test('connections keep their age while all name the same pod: it may be the name of a proxy', () => {
  const { clock, connect, respond } = startPodIdentity();
  const connections = [connect(), connect()];
  for (const connection of connections) respond({ [HEADER]: 'envoy' }, 200, connection);
  clock.advance(AGE);
  for (const { retired } of connections) assert.equal(retired, 'max-duration');
});

test('the last connection to a pod outlives its age, as long as the pod has its share of the dials', () => {
  const { podIdentity, respond, respondTwice } = startPodIdentity();
  respondTwice();
  const [one, two] = [respond({ [HEADER]: 'orders-1' }), respond({ [HEADER]: 'orders-2' })];
  assert.deepEqual([one.connected, two.connected], [1, 2]);
  assert.equal(podIdentity.outlivesAge(one), true);
  assert.equal(podIdentity.outlivesAge(two), false);
  for (let n = 0; n < 11; n++) respond({ [HEADER]: 'orders-2' });
  assert.equal(podIdentity.outlivesAge(one), false, 'it has left');
});

test('where there are enough, one that was made to look for pods takes the place of an idle one that its pod had', () => {
  const { clock, connect, demand, respond, respondTwice, transport } = startPodIdentity({ maxSpread: 4 });
  // Dials that nobody waits for are given up.
  demand.waiting = 1;
  respondTwice();
  const [first, needed] = [connect(), connect()];
  for (const connection of [first, needed]) respond({ [HEADER]: 'orders-1' }, 200, connection);
  first.inFlight = 0;
  // Eight are enough.
  for (let n = 0; n < 4; n++) respond({ [HEADER]: 'orders-2' });
  respond({ [HEADER]: 'orders-1' });
  assert.equal(first.retired, undefined, 'a request needed that one');
  clock.advance(800);
  assert.ok(transport.dials.length > 0);
  respond({ [HEADER]: 'orders-1' });
  assert.equal(first.retired, 'replaced');
  assert.equal(needed.retired, undefined, 'it is busy');
});

test('where endpoints are pods, nobody asks for names', () => {
  const { respondTwice, set, slot } = startPodIdentity({ virtual: false });
  assert.deepEqual(respondTwice(), [slot, slot]);
  assert.equal(set.namesPods, false);
});

test('a name that changes on a connection is none of a pod: all is as without names for ten minutes', () => {
  const { clock, connect, respond, respondTwice, set, slot, warmth } = startPodIdentity();
  const [, pod] = respondTwice();
  const connection = connect();
  respond({ [HEADER]: 'orders-1' }, 200, connection);
  respond({ [HEADER]: 'orders-2' }, 200, connection);
  assert.equal(set.namesPods, false);
  assert.deepEqual(
    Array.from(set.superseded, ({ identity }) => identity),
    ['orders-2', 'orders-1'],
  );
  assert.equal(set.pods.size, 0, 'a name may be that of another endpoint from now on');
  assert.equal(pod!.isAvailable, true, 'until there are connections that belong to none');
  assert.deepEqual(respondTwice(), [slot, slot]);
  clock.advance(1_500);
  assert.equal(connection.retired, 'endpoint-removed');
  warmth.stop();
  clock.advance(600_000);
  respondTwice();
  assert.equal(set.namesPods, true);
});

test('more pods are looked for while there is traffic, quicker where one was just found', () => {
  const { clock, demand, respondTwice, transport, warmth } = startPodIdentity({ maxSpread: 4 });
  // Dials that nobody waits for are given up.
  demand.waiting = 1;
  const { dials } = transport;
  respondTwice();
  // One pod is known of the two, so that three dials are eager; and there are fewer connections than there may be.
  for (let explored = 1; explored <= 3; explored++) {
    clock.advance(120);
    assert.equal(dials.length, explored);
    dials.at(-1)!.connect();
  }
  demand.waiting = 0;
  warmth.stop();
  clock.advance(800);
  assert.equal(dials.length, 3);
  clock.advance(AGE);
  assert.equal(clock.pending, 0);
});
