import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Balancer } from '../../../src/core/connections/balancer.ts';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { PickerBoard } from '../../../src/core/endpoints/board.ts';
import { Pickers } from '../../../src/core/endpoints/pickers.ts';
import { COLD, REQUEST_LIMIT } from '../../../src/core/endpoints/reasons.ts';
import { FakeClock } from '../../support/clock.ts';
import { podOf } from '../../support/endpoints.ts';
import { connect } from '../../support/pool-parts.ts';

function startBalancer(isLimited = false) {
  const pickers = new Pickers<Pod>({
    policy: 'least-request',
    peakEwma: { decay: 1, seed: 1 },
    clock: new FakeClock(),
    random: () => 0,
  });
  const board = new PickerBoard<Pod>('http://orders.prod', pickers, Number.POSITIVE_INFINITY);
  const endpoints = [podOf(1, board), podOf(2, board)] as [Pod, Pod];
  for (const endpoint of endpoints) {
    endpoint.lift(COLD);
    connect(endpoint);
  }
  /** What the others say, for each test to change. */
  const says = { dialing: 0, next: false, hopeful: false };
  const isBusy = ({ reasons }: Pod) => isLimited && (reasons & REQUEST_LIMIT) !== 0;
  const balancer = new Balancer({
    board,
    capacity: {
      isOtherBusy: (failed) => endpoints.some((endpoint) => isBusy(endpoint) && !failed.includes(endpoint)),
    },
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
    reach: { mayDialNext: () => false },
    preconnect: { consider() {} },
    liveness: { start() {} },
  });
  const take = (endpoint: Pod) => endpoint.bar(REQUEST_LIMIT);
  return { balancer, endpoints, pickers, says, take };
}

test('a request that has failed goes to another endpoint, and the failed one may be picked again', () => {
  const { balancer, endpoints, pickers } = startBalancer();
  const [one, other] = endpoints;
  assert.equal(balancer.pickOther([one], 0, 0), other);
  assert.equal(one.picker, pickers.ready);
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
