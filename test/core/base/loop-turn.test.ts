import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type Clock, nextTurn, systemClock } from '../../../src/core/base/clock.ts';
import { LoopTurn } from '../../../src/core/base/loop-turn.ts';

let now = 0;
let idle = 0;
const clock: Clock = { ...systemClock, now: () => now, idle: () => idle };
let turn: LoopTurn;

beforeEach(async () => {
  turn = new LoopTurn(clock);
  turn.note(now);
  await nextTurn();
});

test('a request is sent at once after a short pause in which the process waited for sockets', () => {
  now += 90;
  idle += 89;
  turn.note(now);
  assert.equal(turn.isStale, false);
});

test('after a long pause a request waits, because the process may have been stopped meanwhile', () => {
  now += 101;
  idle += 101;
  turn.note(now);
  assert.equal(turn.isStale, true);
});

test('a request waits for a turn of the loop if the process was busy with something else', async () => {
  now += 90;
  idle += 80;
  turn.note(now);
  assert.equal(turn.isStale, true);
  await nextTurn();
  assert.equal(turn.isStale, false);
});

test('what the process waited for before the last request makes up for nothing', () => {
  idle += 90;
  now += 90;
  turn.note(now);
  now += 90;
  turn.note(now);
  assert.equal(turn.isStale, true);
});

test('any pause counts on a clock that doesn’t know how long the loop waited', async () => {
  const { idle: _, ...other } = clock;
  turn = new LoopTurn(other);
  turn.note(now);
  await nextTurn();
  now += 6;
  turn.note(now);
  assert.equal(turn.isStale, true);
});

test('the system’s clock knows how long the loop waited', async () => {
  const before = systemClock.idle!();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(systemClock.idle!() > before);
});
