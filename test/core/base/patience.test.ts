import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTurn } from '../../../src/core/base/clock.ts';
import { Patience } from '../../../src/core/base/patience.ts';
import { FakeClock } from '../../support/clock.ts';
import { settle } from '../../support/pods.ts';

test('a wait ends after its time, and after what had come by then was read', async () => {
  const clock = new FakeClock();
  let ended = false;
  new Patience(
    clock,
    () => {
      ended = true;
    },
    1_000,
  );
  clock.advance(999);
  await settle();
  assert.equal(ended, false);
  clock.advance(1);
  await nextTurn();
  assert.equal(ended, false);
  await settle();
  assert.equal(ended, true);
});

test('time in which the process is stopped counts for a quarter of a wait at most', async () => {
  const clock = new FakeClock();
  let ended = false;
  new Patience(
    clock,
    () => {
      ended = true;
    },
    1_000,
  );
  clock.jump(60_000);
  clock.advance(0);
  clock.advance(749);
  await settle();
  assert.equal(ended, false);
  clock.advance(1);
  await settle();
  assert.equal(ended, true);
});

test('a wait that is cancelled at its very end does not end', async () => {
  const clock = new FakeClock();
  const wait = new Patience(clock, () => assert.fail('it was cancelled'), 1_000);
  clock.advance(1_000);
  wait.cancel();
  await settle();
  assert.equal(clock.pending, 0);
});
