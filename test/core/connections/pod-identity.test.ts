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
  const { board, clock, podIdentity, pods, warmth } = parts;
  const [slot, other] = pods as [Pod, Pod];
  // So many that they keep a hundred pods connected.
  parts.demand.taken += 200;
  warmth.start();
  while (warmth.grow() !== undefined);
  for (const pod of pods) pod.lift(UNTRIED);
  /** A connection of the slot that carries a request. */
  const connect = (): Connection => {
    const connection = connectTo(slot, { clock, maxDuration: AGE });
    connection.reserve();
    slot.settle(connection);
    return connection;
  };
  /** As if a new connection of the slot had its first response. */
  const respond = (headers: Record<string, string>, status = 200, connection = connect()): Pod => {
    connection.tell(true);
    const pod = podIdentity.identify(connection, slot, status, headers);
    assert.equal(connection.endpoint, pod);
    return pod;
  };
  /** Whether dials are taken to lead to any pod, so that those known to be reached don't come first. */
  const leadsAnywhere = () => other.picker === board.pickers.untried;
  return { ...parts, connect, leadsAnywhere, respond, slot };
}

test('a connection belongs to the pod that its first response names', () => {
  const { respond, set } = startPodIdentity();
  assert.equal(set.seesPods, false);
  const pod = respond({ [HEADER]: 'orders-1' });
  assert.equal(pod.identity, 'orders-1');
  assert.equal(respond({ [HEADER]: 'orders-1' }), pod);
  assert.notEqual(respond({ [HEADER]: 'orders-2' }), pod);
  assert.equal(set.kindOf(pod), 'pod');
  assert.equal([...set.known].length, 2);
});

test('pods beyond those that may be held stay behind their slot', () => {
  const { respond, slot } = startPodIdentity({ maxSpread: 1 });
  respond({ [HEADER]: 'orders-1' });
  assert.equal(respond({ [HEADER]: 'orders-2' }), slot);
});

test('where a response names no pod, and none ever has, there is nothing to see', () => {
  const { leadsAnywhere, respond, set, slot } = startPodIdentity();
  assert.equal(set.namesPods, true);
  assert.equal(leadsAnywhere(), true);
  assert.equal(respond({}), slot);
  assert.equal(set.namesPods, false);
  assert.equal(leadsAnywhere(), false);
  const other = startPodIdentity();
  other.respond({ [HEADER]: 'orders-1' });
  other.respond({});
  assert.equal(other.set.namesPods, true);
});

test('when a name appears after all, pods are told apart from then on', () => {
  const { connect, leadsAnywhere, respond, set, slot } = startPodIdentity();
  const connection = connect();
  assert.equal(respond({}, 200, connection), slot);
  assert.equal(connection.told, false);
  assert.equal(leadsAnywhere(), false);
  assert.equal(respond({ [HEADER]: 'orders-1' }, 200, connection).identity, 'orders-1');
  assert.equal(set.namesPods, true);
  assert.equal(leadsAnywhere(), true);
});

test('an error without a name is no evidence, nor is a name of no letters', () => {
  const { connect, respond, set, slot } = startPodIdentity();
  const connection = connect();
  for (const status of [404, 429, 500, 503]) assert.equal(respond({}, status, connection), slot);
  assert.equal(set.namesPods, true);
  assert.equal(respond({ [HEADER]: '' }, 200, connection), slot);
  assert.equal(set.namesPods, false);
});

test('connections keep their age while all name the same pod: it may be the name of a proxy', () => {
  const { clock, connect, respond, warmth } = startPodIdentity();
  const [first, second, third] = [connect(), connect(), connect()];
  respond({ [HEADER]: 'envoy' }, 200, first);
  respond({ [HEADER]: 'envoy' }, 200, second);
  respond({ [HEADER]: 'orders-2' }, 200, third);
  warmth.stop();
  clock.advance(AGE);
  assert.equal(second.retired, 'max-duration');
  assert.equal(third.retired, undefined);
});

test('a connection to a pod takes the place of an idle one that the pod had', () => {
  const { connect, respond, slot } = startPodIdentity();
  const [first, second, third] = [connect(), connect(), connect()];
  const pod = respond({ [HEADER]: 'orders-1' }, 200, first);
  respond({ [HEADER]: 'orders-2' }, 200, second);
  first.inFlight = 0;
  assert.equal(respond({ [HEADER]: 'orders-1' }, 200, third), pod);
  assert.equal(first.retired, 'replaced');
  assert.equal(third.retired, undefined);
  assert.equal(slot.connected, 0);
});

test('where endpoints are pods, nobody asks for names', () => {
  const { respond, set, slot } = startPodIdentity({ virtual: false });
  assert.equal(set.namesPods, false);
  assert.equal(respond({ [HEADER]: 'orders-1' }), slot);
});

test('more pods are looked for while there is traffic, quicker where one was just found', () => {
  const { clock, demand, respond, transport, warmth } = startPodIdentity();
  // Dials that nobody waits for are given up.
  demand.waiting = 1;
  const { dials } = transport;
  respond({ [HEADER]: 'orders-1' });
  for (let explored = 1; explored <= 3; explored++) {
    clock.advance(120);
    assert.equal(dials.length, explored);
    dials.at(-1)!.connect();
  }
  clock.advance(799);
  assert.equal(dials.length, 3);
  clock.advance(1);
  assert.equal(dials.length, 4);
  clock.advance(800);
  assert.equal(dials.length, 4, 'one is being made');
  dials.at(-1)!.connect();
  demand.waiting = 0;
  warmth.stop();
  clock.advance(800);
  assert.equal(dials.length, 4);
  clock.advance(AGE);
  assert.equal(clock.pending, 0);
});
