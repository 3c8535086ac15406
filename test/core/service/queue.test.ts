import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryService } from '../../support/memory-service.ts';

const TIMES = { endpointTimeout: '3s' } as const;

test('calls that come before anybody knows an endpoint go out in order once there is one', async (t) => {
  const memory = new MemoryService(t, { isKnown: false, options: TIMES });
  const calls = memory.burst(3);
  await memory.run(1_000);
  assert.equal(memory.service.waiting, 3);
  memory.resolver.set(memory.pods);
  await memory.run(100);
  assert.ok(calls.every(({ answered }) => answered));
  const ends = calls.map(({ endedAt }) => endedAt);
  assert.deepEqual(ends, ends.toSorted());
});

test('a call that waits goes to the endpoint that is free first, not to the one it was dialled for', async (t) => {
  const memory = new MemoryService(t, { options: { connections: 1 } });
  memory.pod(1).react = () => ({ name: 'answer', after: 500 });
  memory.pod(2).react = () => ({ name: 'answer', after: 20 });
  await memory.run(10);
  const calls = memory.burst(12);
  await memory.run(300);
  // One is at the slow one. All others went, one after the other, to the one that was free each time.
  assert.equal(memory.pod(1).requests, 1);
  assert.equal(memory.pod(2).requests, 11);
  assert.equal(calls.filter(({ answered }) => answered).length, 11);
  assert.equal(memory.open, 2);
  await memory.run(300);
});

test('those that wait are served in the order in which they came', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1 } });
  memory.allAnswerAfter(10);
  const calls = memory.burst(8);
  await memory.run(200);
  const ends = calls.map(({ endedAt }) => endedAt);
  assert.equal(new Set(ends).size, 8);
  assert.deepEqual(
    ends,
    ends.toSorted((a, b) => a - b),
  );
});

test('a call for which no connection may be made is refused when enough wait already', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1, maxPendingRequests: 2 } });
  memory.pod(1).react = () => ({ name: 'answer', after: 100 });
  const first = memory.call();
  await memory.run(10);
  const [second, third, fourth] = memory.burst(3);
  assert.equal(fourth!.error?.code, 'EVENKEEL_QUEUE_FULL');
  await memory.run(1_000);
  for (const call of [first, second, third]) assert.ok(call!.answered);
});

test('calls for which connections are being made do not count as those that wait', async (t) => {
  const memory = new MemoryService(t, { options: { maxPendingRequests: 1 } });
  await memory.run(10);
  const calls = memory.burst(30);
  await memory.run(200);
  assert.ok(calls.every(({ answered }) => answered));
});

test('a caller that is told to wait is told when there is room again, once', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1, maxPendingRequests: 1 } });
  memory.allAnswerAfter(50);
  await memory.run(10);
  memory.burst(2);
  assert.equal(memory.drains, 0);
  await memory.run(80);
  assert.equal(memory.drains, 0, 'the second one is at it');
  await memory.run(100);
  assert.equal(memory.drains, 1);
  memory.call();
  await memory.run(100);
  assert.equal(memory.drains, 2);
});

test('a call that finds no endpoint in time fails, and says how many are known', async (t) => {
  const memory = new MemoryService(t, { pods: 0, options: TIMES });
  const call = memory.call();
  await memory.run(2_900);
  assert.deepEqual(call.ends, []);
  await memory.run(400);
  assert.equal(call.error?.code, 'EVENKEEL_NO_ENDPOINTS');
  assert.match(call.error.message, /no endpoint for http:\/\/orders\.prod after 3000 ms \(0 known\)/);
});

test('a call waits as long as it takes for a busy endpoint to which no more connections may be made', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1, ...TIMES } });
  memory.allAnswerAfter(20_000);
  const calls = memory.burst(2);
  await memory.run(39_000);
  assert.equal(calls[0]!.answered, true);
  assert.deepEqual(calls[1]!.ends, []);
  await memory.run(2_000);
  assert.equal(calls[1]!.answered, true);
});

test('where each endpoint refuses dials, a call fails at once with what they say', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  for (const pod of memory.pods) pod.dials = 'refused';
  const call = memory.call();
  await memory.run(50);
  assert.equal(call.error?.code, 'ECONNREFUSED');
  assert.equal(call.sentTo.length, 0);
  assert.ok(memory.dialErrors.length >= 3);
});

test('a call whose dial is not answered goes to another endpoint, long before that dial would time out', async (t) => {
  for (const silent of [1, 2]) {
    const memory = new MemoryService(t);
    memory.pod(silent).dials = 'unanswered';
    await memory.run(10);
    const call = memory.call();
    await memory.run(600);
    assert.ok(call.answered);
    assert.equal(call.sentTo.length, 1);
  }
});

test('where no dial is answered at first, a call waits for one that is', async (t) => {
  const memory = new MemoryService(t);
  for (const pod of memory.pods) pod.dials = 'unanswered';
  const call = memory.call();
  await memory.run(100);
  memory.pod(2).dials = 'taken';
  await memory.run(6_000);
  assert.ok(call.answered);
  assert.deepEqual(call.sentTo, ['10.0.0.2']);
});

test('a call that its caller ends while it waits leaves its place to others', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1 } });
  memory.allAnswerAfter(50);
  await memory.run(10);
  const [, second, third] = memory.burst(3);
  const reason = new Error('enough');
  second!.cancel(reason);
  assert.equal(second!.error, reason);
  await memory.run(150);
  assert.deepEqual(second!.sentTo, []);
  assert.ok(third!.answered);
});

test('what was taken before close() is finished, waiting or not, and then it ends', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connections: 1 } });
  memory.allAnswerAfter(100);
  const calls = memory.burst(3);
  await memory.run(10);
  let endedAt = -1;
  void memory.service.close().then(() => {
    endedAt = memory.clock.now();
  });
  await memory.run(2_000);
  assert.ok(calls.every(({ answered }) => answered));
  assert.equal(endedAt, calls[2]!.endedAt);
  assert.equal(memory.open, 0);
});

test('close() ends at once where nothing is under way, and one that never was used', async (t) => {
  for (const used of [true, false]) {
    const memory = new MemoryService(t);
    if (used) await memory.load(4, 10);
    let ended = false;
    void memory.service.close().then(() => {
      ended = true;
    });
    await memory.run(0);
    assert.ok(ended);
    assert.equal(memory.open, 0);
  }
});

test('destroy() fails what waits, what is dialled for, and what is sent, with its error', async (t) => {
  const memory = new MemoryService(t, { pods: 2, options: { connections: 1 } });
  for (const pod of memory.pods) pod.react = () => ({ name: 'hang' });
  memory.pod(2).dials = 'unanswered';
  const calls = memory.burst(4);
  await memory.run(100);
  assert.equal(memory.pod(1).requests, 1);
  const error = new Error('destroyed');
  let ended = false;
  void memory.service.destroy(error).then(() => {
    ended = true;
  });
  await memory.run(0);
  assert.ok(ended);
  for (const call of calls) assert.deepEqual(call.ends, [error]);
});
