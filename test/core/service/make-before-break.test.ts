import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryService } from '../../support/memory-service.ts';

const AGE = { maxConnectionDuration: '4s', connectionDurationJitter: 0 } as const;

test("a busy connection's successor is there before it retires, and no call waits", async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: AGE });
  memory.pod(1).handshake = 300;
  memory.allAnswerAfter(5);
  await memory.load(1, 500);
  const [first] = memory.pod(1).opened;
  // One call at a time, for four lives of a connection.
  const calls = await memory.load(900, 20);
  assert.ok(first!.broken);
  assert.ok(memory.pod(1).opened.length >= 4);
  assert.equal(calls.filter(({ waits }) => waits > 0).length, 0);
});

test('of ten connections that are busy all the time, each has its successor', async (t) => {
  const memory = new MemoryService(t, {
    pods: 2,
    options: { maxConnectionDuration: '4s', connectionDurationJitter: 0.2 },
  });
  memory.allAnswerAfter(95);
  await memory.run(10);
  for (const pod of memory.pods) pod.handshake = 200;
  await memory.load(200, 10);
  await memory.run(200);
  const before = memory.calls.length;
  await memory.load(1_000, 10);
  await memory.run(200);
  const waited = memory.calls.slice(before).filter(({ waits }) => waits > 0).length;
  // When one retires that is busy at that moment, its successor may be the one that is left out of ten.
  assert.ok(waited <= 5, `${waited}`);
  assert.ok(memory.calls.every(({ answered }) => answered));
});

test('a cap on requests has its successor too, half way', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { maxRequestsPerConnection: 50 } });
  memory.pod(1).handshake = 100;
  await memory.load(1, 200);
  const calls = await memory.load(500, 10);
  assert.equal(calls.filter(({ waits }) => waits > 0).length, 0);
  assert.ok(memory.pod(1).opened.every(({ sent }) => sent <= 50));
});

test('an idle connection has no successor', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: AGE });
  await memory.load(5, 20);
  const { length } = memory.pod(1).opened;
  await memory.run(20_000);
  assert.equal(memory.pod(1).opened.length, length);
  assert.equal(memory.open, 0);
});

test('a multiplexed connection is followed by one before it retires, and ends what it carries', async (t) => {
  const memory = new MemoryService(t, { pods: 1, multiplexes: true, options: AGE });
  memory.pod(1).handshake = 300;
  memory.allAnswerAfter(500);
  await memory.load(1, 1_000);
  const calls = await memory.load(900, 20);
  await memory.run(1_000);
  assert.ok(calls.every(({ answered, waits, sentTo }) => answered && waits === 0 && sentTo.length === 1));
  assert.ok(memory.pod(1).opened.length >= 4);
  assert.ok(memory.open <= 2);
});

test('where no successor can be made, a connection lives on past the age that nobody asked for', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { connectionDurationJitter: 0 } });
  await memory.load(10, 20);
  await memory.load(290, 1_000);
  memory.pod(1).dials = 'refused';
  const calls = await memory.load(120, 1_000);
  assert.equal(calls.filter(({ answered }) => answered).length, 120);
  // As soon as one can be made, it follows.
  const { length } = memory.pod(1).opened;
  memory.pod(1).dials = 'taken';
  await memory.load(60, 1_000);
  assert.ok(memory.pod(1).opened.length > length);
  assert.equal(
    memory
      .pod(1)
      .opened.slice(0, length)
      .filter(({ broken }) => !broken).length,
    0,
  );
});

test('endpoints that take the place of others are connected before any call goes to them', async (t) => {
  const memory = new MemoryService(t, { pods: 4 });
  memory.resolver.set([memory.pod(1), memory.pod(2)]);
  for (const pod of memory.pods) pod.handshake = 100;
  await memory.load(100, 10);
  memory.resolver.set([memory.pod(1), memory.pod(3), memory.pod(4)]);
  const calls = await memory.load(100, 10);
  assert.equal(calls.filter(({ waits }) => waits > 0).length, 0);
  assert.ok(memory.pod(3).requests > 10 && memory.pod(4).requests > 10);
  assert.equal(memory.pod(2).wires.size, 0);
});
