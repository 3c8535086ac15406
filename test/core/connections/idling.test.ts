import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Idling } from '../../../src/core/connections/idling.ts';
import type { Unused } from '../../../src/core/connections/left-over.ts';
import { FakeClock } from '../../support/clock.ts';

const UNUSED: Unused = { parked: true, endpoint: { ends: 0, connections: [] } };

test('a connection that settles after its first request waits for that one no more', () => {
  const clock = new FakeClock();
  const idling = new Idling(clock);
  const over: string[] = [];
  idling.wait(4_000, UNUSED, () => over.push('waited'));
  idling.settle(10, () => over.push('settled'));
  assert.deepEqual([over, idling.settled], [[], false]);
  clock.advance(10);
  assert.deepEqual([over, idling.settled], [['settled'], true]);
  clock.advance('1m');
  assert.deepEqual(over, ['settled']);
});

test('a connection that ends as it settles leaves no timer behind', () => {
  const clock = new FakeClock();
  const idling = new Idling(clock);
  idling.wait(4_000, UNUSED, () => assert.fail());
  idling.settle(10, () => assert.fail());
  idling.stop();
  assert.equal(clock.pending, 0);
});
