import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Departures } from '../../../src/core/connections/departures.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { FakeClock } from '../../support/clock.ts';
import { IDLE_OWNER } from '../../support/endpoint-owner.ts';

function startDepartures() {
  const clock = new FakeClock();
  const set = new EndpointSet(IDLE_OWNER);
  const log: string[] = [];
  const state = { allows: true };
  const departures = new Departures(clock, {
    set,
    admission: { place: ({ key }) => void log.push(`place ${key}`) },
    dials: { abandon: (endpoint) => void log.push(`abandon ${endpoint?.key}`) },
    health: { allows: () => state.allows, forget: ({ key }) => void log.push(`forget ${key}`) },
    seats: { offer: ({ key }, offered) => void log.push(`offer ${key} ${offered}`) },
  });
  const endpoint = (n: number, identity?: string) =>
    new Endpoint(`pod-${n}`, { address: `10.0.0.${n}`, port: 80 }, IDLE_OWNER, identity);
  return { clock, departures, endpoint, log, set, state };
}

test('what was removed drains at once', () => {
  const { departures, endpoint, log } = startDepartures();
  const gone = endpoint(1);
  gone.connected = 1;
  departures.replaced([gone], false);
  assert.equal(gone.state.name, 'draining');
  assert.deepEqual(log, ['offer pod-1 false', 'forget pod-1', 'abandon pod-1']);
});

test('what another way to the Service replaces goes on for a moment, as far as it is connected', () => {
  const { clock, departures, endpoint, set } = startDepartures();
  const [connected, idle] = [endpoint(1), endpoint(2)];
  connected.connected = 1;
  departures.replaced([connected, idle], true);
  assert.equal(idle.state.name, 'draining');
  assert.deepEqual([...set.superseded], [connected]);
  clock.advance(1_499);
  assert.notEqual(connected.state.name, 'draining');
  clock.advance(1);
  assert.equal(connected.state.name, 'draining');
  assert.equal(set.superseded.size, 0);
  assert.equal(clock.pending, 0);
});

test('a pod behind a virtual IP is forgotten with its last connection, unless it is passed over', () => {
  const { departures, endpoint, log, set, state } = startDepartures();
  const pod = endpoint(1, 'orders-1');
  set.pods.set('orders-1', pod);
  state.allows = false;
  departures.forgetIfClosed(pod);
  assert.equal(set.pods.size, 1);
  state.allows = true;
  departures.forgetIfClosed(pod);
  assert.equal(set.pods.size, 0);
  assert.deepEqual(log, ['forget pod-1', 'offer pod-1 false']);
});

test('an endpoint that is not behind a virtual IP keeps what is held against it', () => {
  const { departures, endpoint, log } = startDepartures();
  departures.forgetIfClosed(endpoint(1));
  assert.deepEqual(log, []);
});
