import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Follower } from '../../src/discovery/follower.ts';
import { FakeClock } from '../support/clock.ts';
import { settle } from '../support/pods.ts';

test('a resolver that fails is left alone while nobody wants to know, and started again when somebody does', async () => {
  const clock = new FakeClock();
  let started = 0;
  let wanted = false;
  const follower = new Follower({
    resolver: () => {
      started++;
      throw new Error('broken');
    },
    target: { hostname: 'orders.prod', port: 80, protocol: 'http:' },
    clock,
    random: Math.random,
    onResolution() {},
    isWanted: () => wanted,
    isUrgent: () => false,
  });
  const later = async () => {
    clock.advance('60s');
    await settle();
  };
  await settle();
  for (let n = 0; n < 3; n++) await later();
  assert.equal(started, 1);
  wanted = true;
  follower.demand();
  await settle();
  assert.equal(started, 2);
  await later();
  assert.equal(started, 3, 'after a pause');
  follower.stop();
  for (let n = 0; n < 2; n++) await later();
  assert.equal(started, 3);
  assert.equal(clock.pending, 0);
});
