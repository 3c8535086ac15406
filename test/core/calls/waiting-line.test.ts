import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demand } from '../../../src/core/base/demand.ts';
import { Call } from '../../../src/core/calls/call.ts';
import { WaitingLine } from '../../../src/core/calls/waiting-line.ts';

/** A call that nobody sends. */
class IdleCall extends Call {
  readonly lasting = false;
  readonly upgrades = false;
  readonly repeatable = true;
  readonly method = 'GET';

  constructor(takenAt: number) {
    super();
    this.takenAt = takenAt;
  }

  describe() {
    return { method: this.method, path: '/' };
  }

  check() {}
  begin() {}
  startWaiting() {}
  stopWaiting() {}
  fail() {}
}

/** Puts calls that were taken at these times into a line, and others back; says when those were taken that are shifted out. */
function orderOf(waiting: readonly number[], back: readonly number[]): number[] {
  const line = new WaitingLine(new Demand());
  for (const takenAt of waiting) line.add(new IdleCall(takenAt), 0, 0, false);
  for (const takenAt of back) line.add(new IdleCall(takenAt), 0, 0, true);
  const order: number[] = [];
  for (let waiter = line.shift(); waiter !== undefined; waiter = line.shift())
    order.push(waiter.call.takenAt);
  return order;
}

test('calls that come back are in front of all that came after them, whatever their order', () => {
  const waiting = [7, 8, 9];
  for (const back of [
    [1, 2, 3],
    [3, 2, 1],
    [2, 3, 1],
    [2, 1, 3],
    [3, 1, 2],
  ]) {
    assert.deepEqual(orderOf(waiting, back), [1, 2, 3, 7, 8, 9], `${back}`);
  }
});

test('a call that comes back waits behind those that were taken before it', () => {
  assert.deepEqual(orderOf([2, 4, 6], [5, 3, 7]), [2, 3, 4, 5, 6, 7]);
});

test('calls that come back are put in order after the last of them has left the line', () => {
  const line = new WaitingLine(new Demand());
  const [first, second, third] = [new IdleCall(1), new IdleCall(2), new IdleCall(3)];
  line.add(second, 0, 0, true);
  assert.ok(line.remove(second));
  line.add(third, 0, 0, true);
  line.add(first, 0, 0, true);
  assert.equal(line.shift()?.call, first);
  assert.equal(line.shift()?.call, third);
});

test('the clock of calls may begin anew', () => {
  const last = 2 ** 31 - 1;
  assert.deepEqual(orderOf([-(2 ** 31) + 5], [-(2 ** 31), last]), [last, -(2 ** 31), -(2 ** 31) + 5]);
});
