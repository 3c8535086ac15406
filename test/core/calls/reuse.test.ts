// What waits, and must not be sent twice, while nobody knows whether connections outlive their responses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryService, type MemoryServiceOptions } from '../../support/memory-service.ts';

const BURST = 40;

function sentOf({ pods }: MemoryService): number[] {
  return pods.flatMap(({ opened }) => opened.map(({ sent }) => sent)).filter((sent) => sent > 0);
}

test('each POST of a cold burst has a new connection, as with undici', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  memory.burst(BURST, { repeatable: false });
  await memory.run(9);
  assert.deepEqual(
    sentOf(memory),
    Array.from({ length: BURST }, () => 1),
  );
});

test('GETs of a cold burst take what comes free first', async (t) => {
  const memory = new MemoryService(t, { pods: 3 });
  memory.burst(BURST);
  await memory.run(50);
  assert.ok(sentOf(memory).length < BURST / 2);
});

const SLOW: Record<string, MemoryServiceOptions> = {
  'no more connections may be made': { pods: 1, options: { connections: 1 } },
  'others take long to be made': { pods: 1 },
};

for (const [why, options] of Object.entries(SLOW)) {
  test(`POSTs don't wait for long where ${why}`, async (t) => {
    const memory = new MemoryService(t, options);
    const pod = memory.pod(1);
    memory.call({ repeatable: false });
    await memory.run(1);
    pod.handshake = 5_000;
    const waiting = memory.burst(5, { repeatable: false });
    await memory.run(20);
    assert.ok(waiting.every(({ answered }) => answered));
    assert.equal(pod.opened.length, 1);
    await memory.run(6_000);
  });
}

test('once a connection was used twice, what waits takes what comes free first, POST or not', async (t) => {
  const memory = new MemoryService(t, { pods: 1 });
  for (let times = 0; times < 2; times++) {
    memory.call({ repeatable: false });
    await memory.run(10);
  }
  memory.burst(BURST, { repeatable: false });
  await memory.run(50);
  assert.ok(sentOf(memory).length < BURST / 2, `${sentOf(memory).length} connections`);
});
