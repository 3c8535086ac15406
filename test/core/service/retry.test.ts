import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import type { Reaction } from '../../support/memory-pod.ts';
import { MemoryService } from '../../support/memory-service.ts';

/** What one pod does with the first calls, wherever they go; all others are answered. */
function first(memory: MemoryService, ...reactions: Reaction[]): void {
  for (const pod of memory.pods) pod.react = () => reactions.shift() ?? { name: 'answer' };
}

test('a call whose connection breaks before a response is sent to another endpoint', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  await memory.load(6, 10);
  first(memory, { name: 'break' });
  const call = memory.call();
  await memory.run(50);
  assert.ok(call.answered);
  assert.equal(call.sentTo.length, 2);
  assert.notEqual(call.sentTo[0], call.sentTo[1]);
});

test('a call whose response has begun is not sent again', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  first(memory, { name: 'break', begun: true });
  const call = memory.call();
  await memory.run(50);
  assert.equal(call.error?.code, 'ECONNRESET');
  assert.equal(call.sentTo.length, 1);
});

test('a call that must not come twice is not sent again, once it may have been looked at', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  first(memory, { name: 'break' });
  const call = memory.call({ repeatable: false });
  await memory.run(50);
  assert.equal(call.error?.code, 'ECONNRESET');
  assert.equal(call.sentTo.length, 1);
});

test('a call that breaks two connections is not sent a third time', async (t) => {
  const memory = new MemoryService(t, { pods: 5 });
  first(memory, { name: 'break' }, { name: 'break' });
  const call = memory.call();
  await memory.run(50);
  assert.equal(call.error?.code, 'ECONNRESET');
  assert.equal(call.sentTo.length, 2);
});

test('where there is no other endpoint, a call is sent again on another connection to the same one', async (t) => {
  const memory = new MemoryService(t, { pods: 1 });
  first(memory, { name: 'break' });
  const call = memory.call();
  await memory.run(50);
  assert.ok(call.answered);
  assert.deepEqual(
    memory.pod(1).opened.map(({ sent }) => sent),
    [1, 1],
  );
});

test('a call that waits to be sent again is not, once its caller has ended it', async (t) => {
  const memory = new MemoryService(t, { options: { connections: 1 } });
  await memory.run(10);
  memory.pod(1).react = () => ({ name: 'break', after: 20 });
  memory.pod(2).react = () => ({ name: 'answer', after: 200 });
  memory.burst(2);
  await memory.run(100);
  const call = memory.calls.find(({ sentTo }) => sentTo[0] === '10.0.0.1');
  assert.ok(call !== undefined);
  assert.equal(memory.service.waiting, 1);
  const reason = new Error('enough');
  call.cancel(reason);
  assert.equal(memory.service.waiting, 0);
  await memory.run(500);
  assert.equal(call.sentTo.length, 1);
  assert.deepEqual(call.ends, [reason]);
});

test('without retries, a call that fails is told so at once', async (t) => {
  const memory = new MemoryService(t, { pods: 3, options: { retry: false } });
  first(memory, { name: 'break' });
  const call = memory.call();
  await memory.run(50);
  assert.equal(call.sentTo.length, 1);
  assert.equal(call.error?.code, 'ECONNRESET');
});

test('where all fail, calls are sent again no more often than the budget allows', async (t) => {
  const budget = { attempts: 1, budget: 0.1, minRetriesPerSecond: 1 };
  const memory = new MemoryService(t, {
    pods: 10,
    options: { retry: budget, outlierDetection: false },
  });
  for (const pod of memory.pods) pod.react = () => ({ name: 'break' });
  const calls = await memory.load(400, 10);
  const again = calls.reduce((sum, { sentTo }) => sum + sentTo.length - 1, 0);
  // A tenth of 400, one for each of 4 seconds, and the ten that were saved up.
  assert.ok(again > 30 && again <= 54, `${again}`);
});

test('a stream that was refused goes elsewhere once, even where retries are off and it must not come twice', async (t) => {
  const memory = new MemoryService(t, { pods: 3, multiplexes: true, options: { retry: false } });
  first(memory, { name: 'refuse' });
  const call = memory.call({ repeatable: false });
  await memory.run(50);
  assert.ok(call.answered);
  assert.equal(new Set(call.sentTo).size, 2);
  first(memory, { name: 'refuse' }, { name: 'refuse' });
  const again = memory.call({ repeatable: false });
  await memory.run(50);
  assert.match(`${again.error}`, /refused stream/);
  assert.equal(again.sentTo.length, 2);
});

test('what a connection gives back as it goes away is served elsewhere, all of it', async (t) => {
  const memory = new MemoryService(t, { pods: 3, multiplexes: true, options: { retry: false } });
  await memory.load(6, 10);
  for (const pod of memory.pods) pod.react = () => ({ name: 'answer', after: 100 });
  const calls = memory.burst(30, { repeatable: false });
  await memory.run(50);
  for (const pod of memory.pods) pod.goAway();
  await memory.run(500);
  assert.ok(calls.every(({ answered }) => answered));
  assert.ok(calls.every(({ sentTo }) => sentTo.length === 2));
});

test('what a connection has answered in part as it goes away ends on it', async (t) => {
  const memory = new MemoryService(t, { pods: 2, multiplexes: true });
  first(memory, { name: 'answer', lasts: 200 });
  const call = memory.call();
  await memory.run(50);
  for (const pod of memory.pods) pod.goAway();
  await memory.run(300);
  assert.ok(call.answered);
  assert.equal(call.sentTo.length, 1);
  assert.equal(memory.open, 0);
});

test('peers that all give back whatever they get end it: a call goes round no more than eight times', async (t) => {
  const memory = new MemoryService(t, { pods: 3, multiplexes: true });
  for (const pod of memory.pods) pod.react = () => ({ name: 'go-away' });
  const call = memory.call();
  await memory.run(5_000);
  assert.match(`${call.error}`, /gone away/);
  assert.equal(call.sentTo.length, 9);
});

test('a call on its way to a connection that had closed is sent again, however often, and whatever it is', async (t) => {
  const memory = new MemoryService(t, { pods: 4, options: { retry: false } });
  memory.allAnswerAfter(20);
  await memory.run(10);
  memory.burst(40);
  await memory.run(200);
  const before = memory.open;
  assert.ok(before > 10, `${before}`);
  // Each connection that was made until now has been closed by its pod.
  const old = new Set(memory.pods.flatMap(({ opened }) => opened));
  for (const pod of memory.pods) {
    pod.react = (_call, wire) => (old.has(wire) ? { name: 'closed' } : { name: 'answer', after: 20 });
  }
  const one = memory.call({ repeatable: false });
  await memory.run(100);
  assert.ok(one.answered);
  assert.ok(one.sentTo.length > 20, `${one.sentTo.length}`);
});

test('close() waits for a call that is sent again, destroy() ends it with its error', async (t) => {
  for (const how of ['close', 'destroy'] as const) {
    const memory = new MemoryService(t, { pods: 2 });
    await memory.load(4, 10);
    first(memory, { name: 'break' }, { name: 'answer', after: 100 });
    const call = memory.call();
    await memory.run(50);
    assert.equal(call.sentTo.length, 2);
    const error = new Error('destroyed');
    let ended = false;
    const end = how === 'close' ? memory.service.close() : memory.service.destroy(error);
    void end.then(() => {
      ended = true;
    });
    await memory.run(0);
    assert.equal(ended, how === 'destroy');
    await memory.run(200);
    assert.ok(ended);
    assert.deepEqual(call.ends, [how === 'close' ? 'answered' : error]);
  }
});

test('one who hears that a call is sent again may destroy everything: then it is not', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  first(memory, { name: 'break' });
  const call = memory.call();
  const error = new Error('destroyed');
  const onRetry = () => void memory.service.destroy(error);
  subscribe('evenkeel:request:retry', onRetry);
  await memory.run(50);
  unsubscribe('evenkeel:request:retry', onRetry);
  assert.equal(call.sentTo.length, 1);
  assert.deepEqual(call.ends, [error]);
});

test('nothing is sent again after destroy(), be its error that of a broken connection', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  for (const pod of memory.pods) pod.react = () => ({ name: 'hang' });
  const calls = memory.burst(3);
  await memory.run(50);
  const error = Object.assign(new Error('destroyed'), { code: 'ECONNRESET' });
  void memory.service.destroy(error);
  await memory.run(100);
  for (const { sentTo, ends } of calls) {
    assert.equal(sentTo.length, 1);
    assert.deepEqual(ends, [error]);
  }
});
