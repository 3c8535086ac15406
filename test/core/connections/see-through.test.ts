import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../../src/core/connections/connection.ts';
import { SeeThrough } from '../../../src/core/connections/see-through.ts';
import type { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { FakeClock } from '../../support/clock.ts';
import { IDLE_OWNER } from '../../support/endpoint-owner.ts';

const HEADER = 'x-pod-name';

function startSeeThrough({ virtual = true, maxSpread = 8 } = {}) {
  const clock = new FakeClock();
  const told = { explored: 0, changed: 0 };
  const owner = {
    ...IDLE_OWNER,
    explore: () => ++told.explored > 0,
    onSeeThroughChanged: () => void told.changed++,
  };
  const set = new EndpointSet(owner);
  set.replace({ endpoints: [{ address: '10.0.0.1', port: 80 }], source: 'test', virtual }, 2);
  const [slot] = [...set.current.values()] as [Endpoint];
  const warmth = { active: true, affordable: 100 };
  const settings = { clock, identityHeader: HEADER, maxSpread, maxConnectionDuration: undefined };
  const seeThrough = new SeeThrough(owner, settings, { set, warmth });
  /** As if a new connection of the slot had its first response. */
  const respond = (headers: Record<string, string>, status = 200, connection = connect()): Endpoint =>
    seeThrough.identify(connection, slot, status, headers);
  const connect = () => {
    const connection = { owner: slot, told: true, retired: undefined, busy: true, kept: false };
    return Object.assign(connection, { keep: () => (connection.kept = true) }) as unknown as Connection & {
      readonly kept: boolean;
    };
  };
  return { clock, connect, respond, seeThrough, set, slot, told, warmth };
}

test('a connection belongs to the pod that its first response names', () => {
  const { respond, set } = startSeeThrough();
  assert.equal(set.seesPods, false);
  const pod = respond({ [HEADER]: 'orders-1' });
  assert.equal(pod.identity, 'orders-1');
  assert.equal(respond({ [HEADER]: 'orders-1' }), pod);
  assert.notEqual(respond({ [HEADER]: 'orders-2' }), pod);
  assert.equal(set.kindOf(pod), 'pod');
  assert.equal([...set.known].length, 2);
});

test('pods beyond those that may be held stay behind their slot', () => {
  const { respond, slot } = startSeeThrough({ maxSpread: 1 });
  respond({ [HEADER]: 'orders-1' });
  assert.equal(respond({ [HEADER]: 'orders-2' }), slot);
});

test('where a response names no pod, and none ever has, there is nothing to see', () => {
  const { respond, seeThrough, slot, told } = startSeeThrough();
  assert.equal(respond({}), slot);
  assert.equal(seeThrough.applies, false);
  assert.equal(told.changed, 1);
  const other = startSeeThrough();
  other.respond({ [HEADER]: 'orders-1' });
  other.respond({});
  assert.equal(other.seeThrough.applies, true);
});

test('when a name appears after all, pods are told apart from then on', () => {
  const { connect, respond, seeThrough, slot, told } = startSeeThrough();
  const connection = connect();
  assert.equal(respond({}, 200, connection), slot);
  assert.equal(connection.told, false);
  assert.equal(respond({ [HEADER]: 'orders-1' }, 200, connection).identity, 'orders-1');
  assert.equal(seeThrough.applies, true);
  assert.equal(told.changed, 2);
});

test('an error without a name is no evidence, nor is a name of no letters', () => {
  const { connect, respond, seeThrough, slot } = startSeeThrough();
  const connection = connect();
  for (const status of [404, 429, 500, 503]) assert.equal(respond({}, status, connection), slot);
  assert.equal(seeThrough.applies, true);
  assert.equal(respond({ [HEADER]: '' }, 200, connection), slot);
  assert.equal(seeThrough.applies, false);
});

test('connections keep their age while all name the same pod: it may be the name of a proxy', () => {
  const { connect, respond } = startSeeThrough();
  const [first, second, third] = [connect(), connect(), connect()];
  respond({ [HEADER]: 'envoy' }, 200, first);
  respond({ [HEADER]: 'envoy' }, 200, second);
  assert.equal(second.kept, false);
  respond({ [HEADER]: 'orders-2' }, 200, third);
  assert.equal(third.kept, true);
});

test('where endpoints are pods, nobody asks for names', () => {
  const { respond, seeThrough, slot } = startSeeThrough({ virtual: false });
  assert.equal(seeThrough.applies, false);
  assert.equal(respond({ [HEADER]: 'orders-1' }), slot);
});

test('more pods are looked for while there is traffic, quicker where one was just found', () => {
  const { clock, respond, told, warmth } = startSeeThrough();
  respond({ [HEADER]: 'orders-1' });
  clock.advance(360);
  assert.equal(told.explored, 3);
  clock.advance(799);
  assert.equal(told.explored, 3);
  clock.advance(1);
  assert.equal(told.explored, 4);
  warmth.active = false;
  clock.advance(800);
  assert.equal(told.explored, 4);
  assert.equal(clock.pending, 0);
});
