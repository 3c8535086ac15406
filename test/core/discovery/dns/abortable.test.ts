import assert from 'node:assert/strict';
import test from 'node:test';
import { unlessAborted, until } from '../../../../src/core/discovery/dns/abortable.ts';
import { FakeClock } from '../../../support/clock.ts';

const never = new Promise<string>(() => {});

test('a promise settles as it would, unless the signal aborts first', async () => {
  const abort = new AbortController();
  assert.equal(await unlessAborted(Promise.resolve('done'), abort.signal), 'done');
  await assert.rejects(unlessAborted(Promise.reject(new Error('broken')), abort.signal), /broken/);
  const pending = unlessAborted(never, abort.signal);
  abort.abort();
  assert.equal(await pending, undefined);
  assert.equal(await unlessAborted(never, abort.signal), undefined);
});

test('a promise that fails after the abort is no unhandled rejection', async () => {
  const { promise, reject } = Promise.withResolvers<string>();
  assert.equal(await unlessAborted(promise, AbortSignal.abort()), undefined);
  reject(new Error('too late'));
  await new Promise(setImmediate);
});

test('a wait ends at its time, at once when that has passed, or with the signal', async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  const waiting = until(2_000, clock, abort.signal);
  clock.advance('2s');
  await waiting;
  await until(1_000, clock, abort.signal);
  const endless = until(Number.POSITIVE_INFINITY, clock, abort.signal);
  assert.equal(clock.pending, 1);
  abort.abort();
  await endless;
  await until(Number.POSITIVE_INFINITY, clock, abort.signal);
  assert.equal(clock.pending, 0);
});
