import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Balancer } from '../../../src/core/connections/balancer.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { Pickers, place } from '../../../src/core/endpoints/pickers.ts';
import { FakeClock } from '../../support/clock.ts';
import { IDLE_OWNER } from '../../support/endpoint-owner.ts';

function startBalancer(isLimited = false) {
  const pickers = new Pickers({
    policy: 'least-request',
    peakEwma: { decay: 1, seed: 1 },
    clock: new FakeClock(),
    random: () => 0,
  });
  const endpoints = [1, 2].map((n) => {
    const endpoint = new Endpoint(`pod-${n}`, { address: `10.0.0.${n}`, port: 80 }, IDLE_OWNER);
    Object.defineProperty(endpoint, 'isReady', { value: () => true });
    return endpoint;
  }) as [Endpoint, Endpoint];
  /** Those that may be picked, and what the others say, for each test to change. */
  const free = new Set(endpoints);
  const says = { dialing: 0, next: false, hopeful: false };
  const admission = {
    isBusy: (endpoint: Endpoint) => isLimited && !free.has(endpoint),
    mayDial: () => false,
    place: (endpoint: Endpoint) => place(endpoint, free.has(endpoint) ? pickers.free : undefined),
  };
  for (const endpoint of endpoints) admission.place(endpoint);
  const balancer = new Balancer({
    set: { connected: endpoints },
    pickers,
    admission,
    plan: {
      dialAhead() {},
      dialInTurn() {},
      dialSuccessor() {},
      dialFor: () => says.hopeful,
      dialNext: () => says.next,
    },
    dials: {
      get fresh() {
        return says.dialing;
      },
    },
    warmth: { consider() {} },
    silence: { start() {} },
  });
  const take = (endpoint: Endpoint) => {
    free.delete(endpoint);
    admission.place(endpoint);
  };
  return { balancer, endpoints, pickers, says, take };
}

test('a request that has failed goes to another endpoint, and the failed one may be picked again', () => {
  const { balancer, endpoints, pickers } = startBalancer();
  const [one, other] = endpoints;
  assert.equal(balancer.pickOther([one], 0, 0), other);
  assert.equal(one.picker, pickers.free);
});

test('where another endpoint is being dialled, a request that has failed waits for it', () => {
  const { balancer, endpoints, says, take } = startBalancer();
  const [one, other] = endpoints;
  take(other);
  says.dialing = 1;
  assert.equal(balancer.pickOther([one], 0, 0), 'soon');
  one.dialing = 1;
  assert.equal(balancer.pickOther([one], 0, 0), one);
});

test('a request that has failed waits for another endpoint that is as busy as it may be', () => {
  const limited = startBalancer(true);
  limited.take(limited.endpoints[1]);
  assert.equal(limited.balancer.pickOther([limited.endpoints[0]], 0, 0), 'soon');
  const unlimited = startBalancer();
  unlimited.take(unlimited.endpoints[1]);
  assert.equal(unlimited.balancer.pickOther([unlimited.endpoints[0]], 0, 0), unlimited.endpoints[0]);
});

test('where nothing is free or may be dialled, there is no endpoint', () => {
  const { balancer, endpoints, says, take } = startBalancer();
  for (const endpoint of endpoints) take(endpoint);
  assert.equal(balancer.pickOther(endpoints, 0, 0), undefined);
  says.hopeful = true;
  assert.equal(balancer.pickOther(endpoints, 0, 0), 'soon');
});
