// What a transport that brings connections of its own uses of the core: endpoints, their pickers, and their health.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSettings } from '../../../src/config/resolve-settings.ts';
import { Demand } from '../../../src/core/base/demand.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { PickerBoard } from '../../../src/core/endpoints/board.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { Pickers } from '../../../src/core/endpoints/pickers.ts';
import { COLD, FULL, UNTRIED } from '../../../src/core/endpoints/reasons.ts';
import { Health } from '../../../src/core/health/health.ts';
import { FakeClock } from '../../support/clock.ts';

/** Three endpoints, connected by whom it may concern. */
function start(maxRequests = Number.POSITIVE_INFINITY) {
  const clock = new FakeClock();
  const settings = resolveSettings({ clock, random: () => 0.5 }, {});
  const pickers = new Pickers<Endpoint>(settings);
  const board = new PickerBoard<Endpoint>('http://orders.prod', pickers, maxRequests);
  const set = new EndpointSet<Endpoint>((key, info: EndpointAddress) => new Endpoint(key, info, board));
  const endpoints = [1, 2, 3].map((n) => ({ address: `10.0.0.${n}`, port: 80 }));
  const { fresh } = set.replace({ endpoints, source: 'test' }, 1);
  const checker = { isProcessHeld: () => true, check: () => assert.fail('nothing is checked') };
  const health = new Health({ settings, set, checker, demand: new Demand(), clock, random: () => 0.5 });
  for (const endpoint of fresh) endpoint.lift(COLD | FULL | UNTRIED);
  const pick = (): Endpoint => pickers.ready.pick() ?? assert.fail('nobody is there');
  return { clock, pickers, health, endpoints: fresh as [Endpoint, Endpoint, Endpoint], pick };
}

test('attempts are counted without connections of ours, and go to the least loaded', () => {
  const { endpoints, pickers, pick } = start();
  for (let n = 0; n < 30; n++) {
    const endpoint = pick();
    pickers.ready.used(endpoint);
    endpoint.beginAttempt();
  }
  assert.deepEqual(
    endpoints.map(({ inFlight, load, requests }) => [inFlight, load, requests]),
    [1, 2, 3].map(() => [10, 10, 10]),
  );
  const [first] = endpoints;
  first.endAttempt(false);
  assert.equal(pick(), first);
  first.endAttempt(true);
  assert.deepEqual([first.inFlight, first.load, first.failures], [8, 9, 1]);
  first.unhold();
  assert.equal(first.load, 8);
});

test('an endpoint has no more attempts than it may', () => {
  const { endpoints, pickers, pick } = start(2);
  for (let n = 0; n < 6; n++) pick().beginAttempt();
  assert.equal(pickers.ready.pick(), undefined);
  endpoints[1].endAttempt(false);
  assert.equal(pick(), endpoints[1]);
});

test('one whose attempts fail is ejected, gets nothing, and is tried with a single one later', () => {
  const { clock, endpoints, health, pick } = start();
  const [bad] = endpoints;
  const connection = { retired: undefined };
  for (let n = 0; n < 5; n++) {
    bad.beginAttempt();
    bad.endAttempt(true);
    bad.unhold();
    health.judge(bad, connection, 'failure', 0);
  }
  assert.equal(bad.condition, 'ejected');
  assert.equal(bad.picker, undefined);
  assert.notEqual(pick(), bad);
  clock.advance('1m');
  assert.ok(bad.picker !== undefined);
  bad.beginAttempt();
  assert.equal(bad.picker, undefined);
  bad.endAttempt(false);
  health.judge(bad, connection, 'success', 200);
  bad.beginAttempt();
  assert.ok(bad.picker !== undefined);
});
