import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Follower } from '../../../src/core/discovery/follower.ts';
import type { Resolution } from '../../../src/core/discovery/resolver.ts';
import { FakeClock } from '../../support/clock.ts';
import { settle } from '../../support/pods.ts';

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

/** A follower whose resolver is wanted, and whose requests wait, at all times. */
function startUrgent(resolver: () => AsyncIterable<Resolution>, known = false) {
  const clock = new FakeClock();
  const resolutions: Resolution[] = [];
  const follower = new Follower({
    resolver,
    target: { hostname: 'orders.prod', port: 80, protocol: 'http:' },
    clock,
    random: () => 0.5,
    onResolution: (resolution) => resolutions.push(resolution),
    isWanted: () => true,
    isUrgent: () => !known,
  });
  /** Moves time on by steps in which a request comes each. */
  const run = async (time: number, step = 50) => {
    for (let passed = 0; passed < time; passed += step) {
      follower.demand();
      clock.advance(step);
      await settle();
    }
  };
  return { follower, clock, resolutions, run };
}

test('a resolver that throws is started again after 1 to 2 s while requests wait, however many come', async () => {
  let started = 0;
  const { follower, run } = startUrgent(() => {
    started++;
    throw new Error('broken');
  });
  await settle();
  await run(100);
  assert.equal(started, 2, 'the second time at once');
  await run(3_000);
  assert.equal(started, 3);
  await run(20_000);
  assert.equal(started, 13);
  follower.stop();
});

test('a resolver that throws is started again after up to 30 s while something is known', async () => {
  let started = 0;
  const { follower, run } = startUrgent(() => {
    started++;
    throw new Error('broken');
  }, true);
  await run(120_000, 500);
  assert.equal(started, 10);
  follower.stop();
});

test('a resolver that threw after a while is started again soon', async () => {
  let started = 0;
  const { follower, clock, run } = startUrgent(async function* () {
    started++;
    yield { endpoints: [{ address: '10.0.0.1', port: 80 }], source: 'test' };
    await new Promise<void>((resolve) => clock.schedule(resolve, 5_000));
    throw new Error('broken');
  }, true);
  await run(60_000, 500);
  assert.equal(started, 10);
  follower.stop();
});

test('a resolver that never waits is asked for a hundred values at once, and ten a second after that', async () => {
  const { follower, resolutions, clock, run } = startUrgent(async function* () {
    for (;;) yield { endpoints: [{ address: '10.0.0.1', port: 80 }], source: 'eager' };
  });
  for (let turns = 0; turns < 500; turns++) await settle();
  assert.equal(resolutions.length, 101);
  await run(2_000);
  assert.equal(resolutions.length, 121);
  follower.stop();
  await settle();
  assert.equal(clock.pending, 0);
});
