import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from '../../../src/core/connections/admission.ts';
import { CONNECTING, DRAINING, type Endpoint, IDLE } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { Pickers } from '../../../src/core/endpoints/pickers.ts';
import { FakeClock } from '../../support/clock.ts';
import { IDLE_OWNER } from '../../support/endpoint-owner.ts';

function startAdmission(limits: { connections?: number; maxRequestsPerEndpoint?: number } = {}) {
  const set = new EndpointSet(IDLE_OWNER);
  const endpoints = [1, 2].map((n) => ({ address: `10.0.0.${n}`, port: 80 }));
  set.replace({ endpoints, source: 'test' }, 8);
  const [one, other] = [...set.current.values()] as [Endpoint, Endpoint];
  for (const endpoint of [one, other]) endpoint.warm = true;
  /** What the others say, for each test to change. */
  const says = {
    healthy: true,
    doubted: false,
    mayDial: true,
    mayReach: true,
    applies: false,
    dialing: 0,
    deferred: 0,
  };
  const pickers = new Pickers({
    policy: 'least-request',
    peakEwma: { decay: 1, seed: 1 },
    clock: new FakeClock(),
    random: () => 0,
  });
  const plan = {
    mayDial: () => says.mayDial,
    mayReach: () => says.mayReach,
    pace: {
      get deferred() {
        return says.deferred;
      },
    },
    protocolOf: () => 'h1' as 'h1' | 'h2',
  };
  const admission = new Admission(
    { connections: Number.POSITIVE_INFINITY, maxRequestsPerEndpoint: 0, ...limits },
    {
      set,
      pickers,
      plan,
      dials: {
        get size() {
          return says.dialing;
        },
      },
      health: { allows: () => says.healthy },
      silence: { doubts: () => says.doubted },
      seeThrough: {
        get applies() {
          return says.applies;
        },
      },
    },
  );
  const pickerOf = (endpoint: Endpoint) => {
    admission.place(endpoint);
    const { picker } = endpoint;
    if (picker === undefined) return undefined;
    return (['free', 'full', 'unproven'] as const).find((name) => pickers[name] === picker);
  };
  return { admission, pickerOf, pickers, plan, says, set, one, other };
}

/** As if it had a connection with room. */
function makeRoom(endpoint: Endpoint): void {
  Object.defineProperty(endpoint, 'hasRoom', { value: true, configurable: true });
}

test('an endpoint with room is free; one to be dialled is full, or unproven if it never was connected', () => {
  const { pickerOf, one, other } = startAdmission();
  makeRoom(one);
  assert.equal(pickerOf(one), 'free');
  other.state = IDLE;
  assert.equal(pickerOf(other), 'full');
  other.state = CONNECTING;
  assert.equal(pickerOf(other), 'unproven');
});

test('whichever slot of a virtual IP is dialled, it may lead to any pod', () => {
  const { pickerOf, says, one } = startAdmission();
  one.state = IDLE;
  says.applies = true;
  assert.equal(pickerOf(one), 'unproven');
});

test('what drains, is unfit, or may be gone is not picked, however free it is', () => {
  const { pickerOf, says, one } = startAdmission();
  makeRoom(one);
  says.healthy = false;
  assert.equal(pickerOf(one), undefined);
  says.healthy = true;
  says.doubted = true;
  assert.equal(pickerOf(one), undefined);
  says.doubted = false;
  assert.equal(pickerOf(one), 'free');
  one.state = DRAINING;
  assert.equal(pickerOf(one), undefined);
});

test('a cold endpoint is not picked, unless it was replaced by one that is not connected yet', () => {
  const { pickerOf, set, one } = startAdmission();
  makeRoom(one);
  one.warm = false;
  assert.equal(pickerOf(one), undefined);
  set.superseded.add(one);
  assert.equal(pickerOf(one), 'free');
});

test('nothing is dialled that must not be, or was not reached a moment ago', () => {
  const { pickerOf, says, one } = startAdmission();
  says.mayDial = false;
  assert.equal(pickerOf(one), undefined);
  says.mayDial = true;
  one.backoff = { failedAt: 1, error: new Error('refused'), timer: { cancel() {} } };
  assert.equal(pickerOf(one), undefined);
});

test('an endpoint has as many requests as it may, those for which it is dialled included', () => {
  const { admission, pickerOf, one } = startAdmission({ maxRequestsPerEndpoint: 2 });
  assert.equal(admission.isLimited, true);
  one.inFlight = 1;
  one.dialing = 1;
  assert.equal(pickerOf(one), undefined);
  makeRoom(one);
  assert.equal(pickerOf(one), 'free');
  one.inFlight = 2;
  assert.equal(pickerOf(one), undefined);
  assert.equal(admission.isOpen(one), false);
});

test('only where there are limits, and somebody is connected or dialled, can all be busy', () => {
  const { admission, says } = startAdmission({ connections: 1 });
  assert.equal(admission.isSaturated, false);
  says.dialing = 1;
  assert.equal(admission.isSaturated, true);
  const unlimited = startAdmission();
  unlimited.says.dialing = 1;
  assert.equal(unlimited.admission.isSaturated, false);
});

test('one waits for an endpoint that is connected, or may be', () => {
  const { admission, says, one } = startAdmission();
  assert.equal(admission.isUsable(one), true);
  says.mayReach = false;
  assert.equal(admission.isUsable(one), false);
  one.connected = 1;
  assert.equal(admission.isUsable(one), true);
  says.healthy = false;
  assert.equal(admission.isUsable(one), false);
});

test('with HTTP/2, one dial makes room for many', () => {
  const { admission, plan, says, one } = startAdmission();
  says.mayDial = false;
  one.dialing = 1;
  assert.equal(admission.isOpen(one), false);
  plan.protocolOf = () => 'h2';
  assert.equal(admission.isOpen(one), true);
});

test('the first weight that differs has all endpoints placed anew', () => {
  const { admission, pickers, one, other } = startAdmission();
  for (const endpoint of [one, other]) {
    makeRoom(endpoint);
    admission.place(endpoint);
  }
  const { free } = pickers;
  one.weight = 3;
  admission.reweigh(one);
  assert.notEqual(pickers.free, free);
  for (const { picker } of [one, other]) assert.equal(picker, pickers.free);
});
