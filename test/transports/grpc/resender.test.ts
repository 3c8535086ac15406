import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/core/base/clock.ts';
import type { Attempt } from '../../../src/transports/grpc/attempts.ts';
import { GuardedPick } from '../../../src/transports/grpc/guarded-pick.ts';
import { Resender } from '../../../src/transports/grpc/resender.ts';
import type { Found, ResentCall } from '../../../src/transports/grpc/resent-call.ts';
import { FakeClock } from '../../support/clock.ts';

const METADATA = { get: () => [], set() {} };
const attemptOn = (inside: object) => ({ subchannel: { getRealSubchannel: () => inside } }) as Attempt;
const attempt = attemptOn({ createCall() {} });

function resenderOf(args: Record<string, unknown> = {}, clock: Clock = new FakeClock()): Resender {
  return new Resender(clock, args, (): Found => 'waiting');
}

function waitingCall(told: string[]): ResentCall {
  const call = { sendAgain: () => told.push('look again'), giveUp: () => told.push('give up') };
  return call as unknown as ResentCall;
}

test('picks are guarded, but where retries are switched off, and where grpc-js starts calls in another way', () => {
  assert.ok(resenderOf().guard(attempt) instanceof GuardedPick);
  assert.equal(resenderOf({ 'grpc.enable_retries': 0 }).guard(attempt), attempt);
  const other = attemptOn({});
  assert.equal(resenderOf().guard(other), other);
});

test('the process stays alive for a call that waits', () => {
  const refs: (boolean | undefined)[] = [];
  const clock: Clock = {
    now: () => 0,
    schedule: (_callback, _delay, ref) => {
      refs.push(ref);
      return { cancel() {} };
    },
  };
  resenderOf({}, clock).strand(waitingCall([]), 1_000, () => {});
  assert.deepEqual(refs, [true]);
});

test('calls that wait have another look when there may be a connection, until they wait no more', () => {
  const told: string[] = [];
  const resender = resenderOf();
  const call = waitingCall(told);
  resender.strand(call, 1_000, () => {});
  resender.serve();
  resender.unstrand(call);
  resender.serve();
  assert.deepEqual(told, ['look again']);
});

test('a call that another one ends meanwhile, as attempts of a hedged call do, is not sent again', () => {
  const resender = resenderOf();
  const sent: string[] = [];
  const second = { sendAgain: () => sent.push('second') } as unknown as ResentCall;
  const first = {
    sendAgain() {
      sent.push('first');
      resender.unstrand(second);
    },
  } as unknown as ResentCall;
  for (const call of [first, second]) resender.strand(call, 1_000, () => {});
  resender.serve();
  assert.deepEqual(sent, ['first']);
});

test('when the channel is closed, calls that wait give up, and no other one begins to wait', () => {
  const told: string[] = [];
  const resender = resenderOf();
  assert.equal(resender.attempt(METADATA), 'waiting');
  resender.strand(waitingCall(told), 1_000, () => {});
  resender.stop();
  assert.deepEqual(told, ['give up']);
  assert.equal(resender.attempt(METADATA), 'failing');
});

test('messages are kept within the sizes that grpc-js has for its own retries', () => {
  const resender = resenderOf();
  assert.equal(resender.keep(2 ** 20 + 1, 0), false);
  for (let call = 0; call < 16; call++) assert.equal(resender.keep(2 ** 20, 0), true);
  assert.equal(resender.keep(1, 0), false);
  resender.release(2 ** 20);
  assert.equal(resender.keep(1, 0), true);
  assert.equal(resender.keep(1, 2 ** 20), false);
});

test('messages are kept within the sizes that a channel was given for its retries', () => {
  const resender = resenderOf({ 'grpc.per_rpc_retry_buffer_size': 5, 'grpc.retry_buffer_size': 8 });
  assert.deepEqual(
    [resender.keep(6, 0), resender.keep(5, 0), resender.keep(4, 0), resender.keep(3, 0)],
    [false, true, false, true],
  );
});
