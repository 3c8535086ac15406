import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryService } from '../../support/memory-service.ts';

const AGE = { maxConnectionDuration: '10s', connectionDurationJitter: 0 } as const;

test('no connection carries one more than the cap on requests, and no call fails for that', async (t) => {
  const memory = new MemoryService(t, { options: { maxRequestsPerConnection: 7 } });
  const calls = await memory.load(200, 3);
  await memory.run(100);
  assert.ok(calls.every(({ answered, sentTo }) => answered && sentTo.length === 1));
  const sent = memory.pods.flatMap(({ opened }) => opened.map((wire) => wire.sent));
  assert.equal(Math.max(...sent), 7);
  const spent = sent.filter((count) => count === 7).length;
  assert.ok(spent >= 20, `${sent}`);
  const closed = memory.pods.flatMap(({ opened }) => opened).filter(({ broken }) => broken);
  assert.ok(closed.length >= spent);
});

test('of many calls at once, a multiplexed connection takes as many as the cap allows', async (t) => {
  const memory = new MemoryService(t, { multiplexes: true, options: { maxRequestsPerConnection: 10 } });
  memory.allAnswerAfter(100);
  await memory.load(2, 200);
  const calls = memory.burst(95);
  await memory.run(2_000);
  assert.ok(calls.every(({ answered }) => answered));
  const sent = memory.pods.flatMap(({ opened }) => opened.map((wire) => wire.sent));
  assert.ok(Math.max(...sent) <= 10, `${sent}`);
});

test('a stream that was refused unsent spends nothing of the cap', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { maxRequestsPerConnection: 5 } });
  for (let n = 0; n < 20; n++) {
    memory.pod(1).react = () => ({ name: 'hang' });
    const call = memory.call();
    await memory.run(5);
    if (n % 2 === 1) call.cancel(new Error('refused'), 'refused');
    else {
      memory.pod(1).react = () => ({ name: 'answer' });
      call.cancel(new Error('gone'), 'refused');
    }
  }
  memory.pod(1).react = () => ({ name: 'answer' });
  await memory.load(5, 5);
  assert.equal(memory.pod(1).opened.filter(({ sent }) => sent > 0).length, 1);
});

test('an idle connection closes at its age, whatever it has carried', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { ...AGE, originIdleTimeout: '1h' } });
  memory.allAnswerAfter(5);
  await memory.load(1, 50);
  const [wire] = memory.pod(1).opened;
  await memory.run(9_000);
  assert.equal(wire!.broken, false);
  await memory.run(1_000);
  assert.ok(wire!.broken);
  // Nobody calls: it has no successor.
  assert.equal(memory.open, 0);
});

test('a connection past its age takes nothing new, finishes what it carries, and closes then', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: AGE });
  memory.pod(1).react = () => ({ name: 'answer', after: 15_000 });
  const slow = memory.call();
  await memory.run(11_000);
  const [wire] = memory.pod(1).opened;
  assert.equal(wire!.broken, false);
  memory.allAnswerAfter(1);
  const calls = await memory.load(20, 50);
  assert.ok(calls.every(({ answered }) => answered));
  assert.equal(wire!.sent, 1);
  assert.equal(wire!.broken, false);
  await memory.run(5_000);
  assert.ok(slow.answered);
  assert.ok(wire!.broken);
});

test('the ages of connections that were made at once are spread, and none is above the cap', async (t) => {
  const memory = new MemoryService(t, {
    pods: 1,
    options: { maxConnectionDuration: '10s', connectionDurationJitter: 0.2 },
  });
  memory.pod(1).react = () => ({ name: 'answer', after: 50 });
  await memory.run(10);
  memory.burst(100);
  await memory.run(200);
  const burst = [...memory.pod(1).opened];
  assert.ok(burst.length > 50, `${burst.length}`);
  await memory.run(7_700);
  assert.equal(burst.filter(({ broken }) => broken).length, 0);
  await memory.run(1_100);
  const early = burst.filter(({ broken }) => broken).length;
  assert.ok(early > burst.length * 0.25 && early < burst.length * 0.75, `${early} of ${burst.length}`);
  await memory.run(1_200);
  assert.equal(burst.filter(({ broken }) => broken).length, burst.length);
});

test('what a retired connection carries is ended when it takes longer than drainTimeout', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { ...AGE, drainTimeout: '2s' } });
  memory.pod(1).react = () => ({ name: 'hang' });
  const call = memory.call();
  await memory.run(11_900);
  assert.deepEqual(call.ends, []);
  await memory.run(300);
  assert.equal(call.error?.code, 'EVENKEEL_DRAIN_TIMEOUT');
  assert.equal(call.sentTo.length, 1);
  assert.ok(memory.pod(1).opened[0]!.broken);
});

test('connections to an endpoint that leaves the set end what they carry, and take nothing new', async (t) => {
  const memory = new MemoryService(t, { pods: 2 });
  memory.allAnswerAfter(100);
  const calls = memory.burst(10);
  await memory.run(50);
  memory.resolver.set([memory.pod(2)]);
  await memory.run(0);
  const before = memory.pod(1).requests;
  assert.ok(before > 0);
  const later = await memory.load(10, 5);
  await memory.run(300);
  assert.ok([...calls, ...later].every(({ answered }) => answered));
  assert.equal(memory.pod(1).requests, before);
  assert.equal(memory.pod(1).wires.size, 0);
});
