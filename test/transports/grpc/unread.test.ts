import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { afterIncoming } from '../../../src/core/base/clock.ts';
import { Unread } from '../../../src/transports/grpc/unread.ts';
import { FakeClock } from '../../support/clock.ts';

describe('after a server has ended a connection', () => {
  let clock: FakeClock;
  let released: boolean[];
  let hasYoung: boolean;
  let unread: Unread;

  beforeEach(() => {
    clock = new FakeClock();
    clock.advance(1_000);
    released = [];
    hasYoung = false;
    unread = new Unread(
      clock,
      () => hasYoung,
      () => released.push(unread.prefersYoung),
    );
  });

  /** One that was made 100 ms ago. */
  const old = () => ({ bornAt: clock.now() - 100 });
  /** Another one, a moment before. */
  const first = async () => {
    unread.onEnded(old());
    await incoming();
    released = [];
  };
  const incoming = () => new Promise<void>((resolve) => afterIncoming(clock, resolve));

  test('calls wait until all that has come is read, and no longer, if none was refused', async () => {
    unread.onEnded(old());
    assert.equal(unread.isHolding, true);
    await incoming();
    assert.deepEqual([unread.isHolding, released], [false, [false]]);
  });

  test('refused ones prefer a connection that is young', async () => {
    hasYoung = true;
    unread.onEnded(old());
    unread.onRefused();
    assert.deepEqual([unread.isYoung(clock.now() - 49), unread.isYoung(clock.now() - 51)], [true, false]);
    await incoming();
    assert.deepEqual([unread.isHolding, released], [false, [true]]);
  });

  test('refused ones do not wait for one where a single connection was ended, be it by two channels', async () => {
    const place = old();
    unread.onEnded(place);
    unread.onEnded(place);
    unread.onRefused();
    await incoming();
    assert.deepEqual(released, [true]);
  });

  test('where connections end one after the other, refused ones wait for one', async () => {
    await first();
    unread.onEnded(old());
    unread.onRefused();
    await incoming();
    assert.deepEqual(released, []);
    unread.onConnected();
    assert.deepEqual([unread.isHolding, released], [false, [true]]);
    clock.advance(1_000);
    assert.deepEqual(released, [true]);
  });

  test('they wait for it 10 ms and no longer', async () => {
    await first();
    unread.onEnded(old());
    unread.onRefused();
    await incoming();
    clock.advance(9);
    assert.equal(unread.isHolding, true);
    clock.advance(1);
    assert.deepEqual([unread.isHolding, released], [false, [true]]);
  });

  test('a refusal of before does not make the next ones wait', async () => {
    await first();
    unread.onRefused();
    unread.onEnded(old());
    await incoming();
    assert.deepEqual(released, [false]);
  });
});
