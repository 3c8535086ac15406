// What waits, and must not be sent twice, while nobody knows whether connections outlive their responses.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MemoryCall } from '../../support/memory-call.ts';
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

/** Sends so many POSTs: three at once, every 4 ms, where a pod takes 3 ms for each. */
async function post(memory: MemoryService, count: number): Promise<MemoryCall[]> {
  const calls: MemoryCall[] = [];
  while (calls.length < count) {
    calls.push(...memory.burst(3, { repeatable: false }));
    await memory.run(4);
  }
  await memory.run(20);
  return calls;
}

/** One of three pods ends each connection 2 ms after a response, as long as `isHasty` says so. */
function startHasty(t: TestContext, isHasty = () => true): MemoryService {
  const memory = new MemoryService(t, { pods: 3, options: { policy: 'round-robin' } });
  memory.allAnswerAfter(3);
  const pod = memory.pod(1);
  pod.react = (_call, wire) => {
    if (isHasty()) memory.clock.schedule(() => wire.break(), 5);
    return { name: 'answer', after: 3 };
  };
  return memory;
}

test('POSTs to a pod that ends each connection just after a response are lost only until that is known', async (t) => {
  const memory = startHasty(t);
  const lost = (await post(memory, 600)).filter(({ answered }) => !answered).length;
  assert.ok(memory.pod(1).requests > 50, `${memory.pod(1).requests}`);
  assert.ok(lost <= 3, `${lost} are lost`);
});

test('when the pod keeps its connections again, one of them serves requests that come one after the other', async (t) => {
  let isHasty = true;
  const memory = startHasty(t, () => isHasty);
  await post(memory, 100);
  isHasty = false;
  await post(memory, 200);
  const before = memory.pod(1).opened.map(({ sent }) => sent);
  await post(memory, 300);
  assert.equal(memory.pod(1).opened.filter(({ sent }, index) => sent !== before[index]).length, 1);
});
