import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Judge, Verdicts } from '../../../../src/transports/global/verdicts.ts';
import { Redirect, type RedirectOptions } from '../../../../src/transports/http/global/redirect.ts';
import type { NodeRequest } from '../../../../src/transports/http/node-http.ts';
import { FakeClock } from '../../../support/clock.ts';

/** Milliseconds for which a verdict of `foreign` holds. */
const FOREIGN = 5 * 60_000;

/** Asks whether requests are taken that no judge has called managed, so that nobody has to send one. */
function setUp(judge: Judge) {
  const clock = new FakeClock();
  const verdicts = new Verdicts({ judge, clock, maxOrigins: 10, timeout: 1_000 });
  const services = {} as RedirectOptions['services'];
  const redirect = new Redirect({ services, verdicts, clock, maxHeld: 10 });
  const agent = new Agent({ keepAlive: true });
  const take = (host: string, port = 80) => redirect.take(agent, {} as NodeRequest, { host, port });
  return { clock, take };
}

test('a host that isn’t managed is judged anew every five minutes, however many requests go there', async () => {
  let judged = 0;
  const { clock, take } = setUp(() => {
    judged++;
    return 'foreign';
  });
  for (let times = 1; times <= 4; times++) {
    for (let n = 0; n < 3; n++) {
      assert.equal(take('public.test'), false);
      await turn();
    }
    assert.equal(judged, times);
    clock.advance(FOREIGN);
  }
});

test('hosts and ports are told apart, whichever comes after which', () => {
  const judged: string[] = [];
  const { take } = setUp((origin) => {
    judged.push(origin);
    return 'foreign';
  });
  for (let n = 0; n < 2; n++) {
    for (const [host, port] of [
      ['a.test', 80],
      ['b.test', 80],
      ['a.test', 8080],
    ] as const)
      assert.equal(take(host, port), false);
  }
  assert.deepEqual(judged, ['http://a.test:80', 'http://b.test:80', 'http://a.test:8080']);
});
