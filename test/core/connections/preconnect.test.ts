import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Preconnect } from '../../../src/core/connections/preconnect.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { FakeClock } from '../../support/clock.ts';
import { IDLE_OWNER } from '../../support/endpoint-owner.ts';

function startPreconnect(count: number, settings: { makeBeforeBreak?: false } = {}) {
  const clock = new FakeClock();
  const endpoints = Array.from({ length: count }, (_, n) => {
    const endpoint = new Endpoint(`pod-${n}`, { address: `10.0.0.${n + 1}`, port: 80 }, IDLE_OWNER);
    endpoint.warm = true;
    return endpoint;
  });
  const dialled: string[] = [];
  /** What the others say, for each test to change. */
  const says = { active: true, applies: false, rotates: false, explored: 0 };
  const preconnect = new Preconnect(
    { clock, random: () => 0.5, ...settings },
    {
      plan: {
        mayDial: () => true,
        dial: (endpoint) => {
          endpoint.dialing++;
          dialled.push(endpoint.key);
        },
      },
      warmth: {
        get active() {
          return says.active;
        },
        warm: endpoints,
        prepareRotation: () => says.rotates,
      },
      health: { allows: () => true },
      seeThrough: {
        get applies() {
          return says.applies;
        },
        explore: () => ++says.explored > 0,
      },
    },
  );
  return { clock, dialled, endpoints, preconnect, says };
}

test('few endpoints are connected at once, more in the course of a second', () => {
  const few = startPreconnect(4);
  few.preconnect.connect(few.endpoints);
  assert.equal(few.dialled.length, 4);
  const many = startPreconnect(5);
  many.preconnect.connect(many.endpoints);
  assert.equal(many.dialled.length, 0);
  many.clock.advance('1s');
  assert.equal(many.dialled.length, 5);
});

test('what has been connected meanwhile, or has become cold, is not dialled when its turn comes', () => {
  const { clock, dialled, endpoints, preconnect } = startPreconnect(5);
  preconnect.connect(endpoints);
  endpoints[0]!.connected = 1;
  endpoints[1]!.warm = false;
  clock.advance('1s');
  assert.deepEqual(dialled, ['pod-2', 'pod-3', 'pod-4']);
});

test('without traffic, or where a dial may lead to any pod, nothing is connected ahead', () => {
  const { dialled, endpoints, preconnect, says } = startPreconnect(2);
  says.active = false;
  preconnect.connect(endpoints);
  says.active = true;
  says.applies = true;
  preconnect.connect(endpoints);
  assert.deepEqual(dialled, []);
});

test('what is warm and has lost its last connection is connected again', () => {
  const { dialled, endpoints, preconnect } = startPreconnect(3);
  endpoints[1]!.connected = 1;
  preconnect.reconnect();
  assert.deepEqual(dialled, ['pod-0', 'pod-2']);
});

test('a connection that nears its end has a successor, unless the next endpoint takes its turn', () => {
  const { dialled, endpoints, preconnect, says } = startPreconnect(1);
  const [endpoint] = endpoints as [Endpoint];
  endpoint.connected = 1;
  says.rotates = true;
  preconnect.renew(endpoint);
  assert.deepEqual(dialled, []);
  says.rotates = false;
  preconnect.renew(endpoint);
  assert.deepEqual(dialled, ['pod-0']);
});

test('the successor for a pod behind a virtual IP is whatever the next dial leads to', () => {
  const { dialled, preconnect, says } = startPreconnect(1);
  preconnect.renew(new Endpoint('vip@orders-1', { address: '10.0.0.9', port: 80 }, IDLE_OWNER, 'orders-1'));
  assert.equal(says.explored, 1);
  assert.deepEqual(dialled, []);
});

test('with makeBeforeBreak off, connections end without a successor', () => {
  const { dialled, endpoints, preconnect } = startPreconnect(1, { makeBeforeBreak: false });
  preconnect.renew(endpoints[0]!);
  assert.deepEqual(dialled, []);
});
