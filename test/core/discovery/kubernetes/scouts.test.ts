import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../../src/core/discovery/kubernetes/api.ts';
import { Backoff } from '../../../../src/core/discovery/kubernetes/backoff.ts';
import { Scouts } from '../../../../src/core/discovery/kubernetes/scouts.ts';
import { FakeClock } from '../../../support/clock.ts';

/** Watches, by name, that fail and are asked to ask. */
function startWatches() {
  const clock = new FakeClock();
  const scouts = new Scouts(clock);
  const watches = new Map<string, { backoff: Backoff }>();
  /** What watches were told so far: their names, with the reason. */
  const told: string[] = [];
  const watchOf = (name: string) => {
    const watch = watches.get(name) ?? { backoff: new Backoff(clock, () => 0) };
    watches.set(name, watch);
    return watch;
  };
  return {
    clock,
    told,
    /** Without a status, there was no answer. */
    fail(name: string, status?: number): void {
      const watch = watchOf(name);
      const error = status === undefined ? new Error('no answer') : new ApiError(status, 'not yet');
      const failure = { error, isComingBack: status !== undefined, backoff: watch.backoff };
      const ask = scouts.wait(watch, failure);
      ask.addEventListener('abort', () => told.push(`${name}: ${ask.reason}`));
    },
    open: (name: string) => scouts.opened(watchOf(name)),
    dismiss: (name: string) => scouts.dismiss(watchOf(name)),
  };
}

test('watches that fail ask in turn, at the pace of one, until one is open', () => {
  const { clock, told, fail, open } = startWatches();
  for (const name of ['a', 'b', 'c']) fail(name);
  for (const [index, pause] of [800, 1_600, 3_200, 4_300, 4_300].entries()) {
    clock.advance(pause - 1);
    assert.equal(told.length, index);
    clock.advance(1);
    assert.equal(told.length, index + 1);
    fail(told.at(-1)!.charAt(0), 503);
  }
  assert.deepEqual(told.splice(0), ['a: turn', 'b: turn', 'c: turn', 'a: turn', 'b: turn']);
  clock.advance(4_300);
  open('c');
  assert.deepEqual(told, ['c: turn', 'a: open', 'b: open']);
  assert.equal(clock.pending, 0);
});

test('a watch that breaks while others are refused asks before them, as soon as if it were alone', () => {
  const { clock, told, fail } = startWatches();
  for (const name of ['a', 'b']) fail(name);
  for (const pause of [800, 1_600, 3_200]) {
    clock.advance(pause);
    fail(told.at(-1)!.charAt(0), 403);
  }
  told.length = 0;
  fail('c');
  clock.advance(800);
  assert.deepEqual(told, ['c: turn']);
});

test('a watch that has asked for itself meanwhile gets no earlier turn, whatever it got', () => {
  const { clock, told, fail } = startWatches();
  for (const name of ['a', 'b']) fail(name, 403);
  for (const pause of [800, 1_600, 3_200]) {
    clock.advance(pause);
    fail(told.at(-1)!.charAt(0), 403);
  }
  told.length = 0;
  fail('b');
  clock.advance(4_299);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ['a: turn']);
});

test('a watch that breaks while others get no answer, as it does, waits as they do', () => {
  const { clock, told, fail } = startWatches();
  for (const name of ['a', 'b']) fail(name);
  for (const pause of [800, 1_600, 3_200]) {
    clock.advance(pause);
    fail(told.at(-1)!.charAt(0));
  }
  told.length = 0;
  fail('c');
  clock.advance(6_399);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ['c: turn']);
});

test('of watches that get no answer, each has its turn a few seconds after the one before', () => {
  const { clock, told, fail } = startWatches();
  for (const name of ['a', 'b']) fail(name);
  clock.advance(800);
  clock.advance(4_400);
  assert.deepEqual(told, ['a: turn', 'b: turn']);
  // One that breaks meanwhile, too.
  fail('c');
  clock.advance(4_400);
  assert.deepEqual(told, ['a: turn', 'b: turn', 'c: turn']);
  assert.equal(clock.pending, 0);
});

test('a watch that ends lets the next one ask, if it was its turn; the last one leaves no timer', () => {
  const { clock, told, fail, dismiss } = startWatches();
  for (const name of ['a', 'b', 'c']) fail(name);
  dismiss('b');
  clock.advance(800);
  dismiss('a');
  assert.deepEqual(told, ['a: turn', 'c: turn']);
  fail('c', 503);
  dismiss('c');
  assert.equal(clock.pending, 0);
});
