import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pauses } from '../../src/health/pauses.ts';
import { FakeClock } from '../support/clock.ts';

function rest(...pods: string[]) {
  const clock = new FakeClock();
  const unfit = new Set<string>();
  const changed: string[] = [];
  const pauses = new Pauses<string>(
    {
      get population() {
        return pods.length;
      },
      get unfit() {
        return unfit.size;
      },
      isFit: (pod) => !unfit.has(pod),
      onHealthChanged: (pod) => changed.push(pod),
    },
    clock,
  );
  return { clock, unfit, changed, pauses, allowed: () => pods.filter((pod) => pauses.allows(pod)).join('') };
}

test('a pod that asks for a pause gets it', () => {
  const { clock, pauses, allowed, changed } = rest('a', 'b', 'c');
  pauses.pause('a', 2_000);
  assert.equal(allowed(), 'bc');
  clock.advance(1_999);
  assert.equal(allowed(), 'bc');
  clock.advance(1);
  assert.equal(allowed(), 'abc');
  assert.deepEqual(changed, ['a', 'a']);
});

test('the longest pause that was asked for counts', () => {
  const { clock, pauses, allowed } = rest('a', 'b');
  pauses.pause('a', 2_000);
  pauses.pause('a', 5_000);
  pauses.pause('a', 1_000);
  clock.advance(4_000);
  assert.equal(allowed(), 'b');
  clock.advance(1_000);
  assert.equal(allowed(), 'ab');
  assert.equal(clock.pending, 0);
});

test('there is no pause when nothing else is left', () => {
  const { clock, pauses, allowed } = rest('a', 'b');
  pauses.pause('a', 2_000);
  pauses.pause('b', 5_000);
  assert.equal(allowed(), 'ab');
  assert.equal(pauses.passedOver, 0);
  clock.advance(2_000);
  assert.equal(allowed(), 'a', 'there is again');
});

test('what is not fit to serve is not left', () => {
  const { unfit, pauses, allowed } = rest('a', 'b', 'c');
  pauses.pause('a', 2_000);
  pauses.pause('b', 2_000);
  assert.equal(allowed(), 'c');
  unfit.add('c');
  pauses.weigh();
  assert.equal(allowed(), 'abc');
  unfit.delete('c');
  unfit.add('a').add('b');
  pauses.weigh();
  assert.equal(allowed(), 'c', 'one that rests and is not fit counts once');
});

test('a pod that leaves takes its pause along', () => {
  const { clock, pauses } = rest('a', 'b');
  pauses.pause('a', 2_000);
  pauses.forget('a');
  assert.equal(clock.pending, 0);
});
