import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MemoryCall } from '../../support/memory-call.ts';
import type { MemoryPod } from '../../support/memory-pod.ts';
import { MemoryService, type MemoryServiceOptions } from '../../support/memory-service.ts';

/** Milliseconds after which callers give up, and those that a pod takes. */
const PATIENCE = 600;
const TAKES = 3;

/** A service in use, whose pods are quick. */
async function inUse(t: TestContext, options: MemoryServiceOptions = {}): Promise<MemoryService> {
  const memory = new MemoryService(t, { pods: 3, ...options });
  memory.allAnswerAfter(TAKES);
  await memory.load(60, 2);
  return memory;
}

/** Eight callers for so long. Each waits for its answer, but no longer than `patience`. Returns how many gave up. */
async function callers(memory: MemoryService, duration: number, patience = PATIENCE): Promise<number> {
  const { clock } = memory;
  const end = clock.now() + duration;
  const open = new Map<MemoryCall, number>();
  let given = 0;
  while (clock.now() < end) {
    for (const [call, since] of open) {
      if (call.ends.length === 0 && clock.now() - since < patience) continue;
      if (call.ends.length === 0) given++;
      call.cancel(new Error('enough'));
      open.delete(call);
    }
    while (open.size < 8) open.set(memory.call({ repeatable: false }), clock.now());
    await memory.run(2);
  }
  for (const call of open.keys()) call.cancel(new Error('the end'));
  return given;
}

const hang = (pod: MemoryPod) => {
  pod.react = () => ({ name: 'hang' });
};
const loadsOf = ({ service }: MemoryService) =>
  [...service.endpoints.current.values()].map(({ load }) => load);

for (const [name, options] of Object.entries<MemoryServiceOptions>({
  'least-request': {},
  'peak-ewma': { options: { policy: 'peak-ewma' } },
  'HTTP/2': { multiplexes: true },
})) {
  test(`a pod that hangs costs callers that give up a few requests, and no more: ${name}`, async (t) => {
    const memory = await inUse(t, options);
    hang(memory.pod(1));
    // Without holds, it is three each 600 ms: 24.
    const lost = await callers(memory, 5_000);
    // Connections that are made at random cost four: one in three of eight, and again one in three of these.
    assert.ok(lost <= 8, `${lost} are lost`);
    assert.ok(!memory.service.endpoints.current.get('10.0.0.1:80')!.isEjected);
    assert.equal(memory.service.calls.attempts.failures, 0);
  });
}

test('a pod that serves again has its share a moment later', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  hang(pod);
  await callers(memory, 1_500);
  pod.react = () => ({ name: 'answer', after: TAKES });
  // It was silent for 1.5 seconds, so it is asked again within 4.5.
  while (memory.clock.now() < 10_000 && pod.requests < 200) await callers(memory, 500);
  const before = memory.pods.map(({ requests }) => requests);
  await callers(memory, 1_000);
  const shares = memory.pods.map(({ requests }, n) => requests - before[n]!);
  assert.ok(Math.min(...shares) > 0.8 * Math.max(...shares), shares.join(', '));
});

test('one that serves while there is little traffic is found although there was much before', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  hang(pod);
  for (const call of memory.burst(300))
    memory.clock.schedule(() => call.cancel(new Error('enough')), PATIENCE);
  await memory.run(1_000);
  pod.react = () => ({ name: 'answer', after: TAKES });
  const before = pod.requests;
  await memory.load(2_000, 10);
  assert.ok(pod.requests - before > 300, `${pod.requests - before}`);
});

test('callers that give up half of their requests, at all pods, change nothing', async (t) => {
  const shares = async (isAborted: boolean) => {
    const memory = await inUse(t);
    let n = 0;
    const react = (call: MemoryCall) => {
      if (n++ % 2 === 0) return { name: 'answer', after: 20 } as const;
      const end = () => call.cancel(new Error('enough'));
      if (isAborted) memory.clock.schedule(end, 20);
      return isAborted ? ({ name: 'hang' } as const) : ({ name: 'answer', after: 20 } as const);
    };
    for (const pod of memory.pods) pod.react = react;
    const before = memory.pods.map(({ requests }) => requests);
    await memory.load(1_500, 2);
    return memory.pods.map(({ requests }, pod) => requests - before[pod]!);
  };
  for (const counts of [await shares(true), await shares(false)])
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 25, counts.join(', '));
});

test('callers that give up all their requests, at all pods, change nothing', async (t) => {
  const memory = await inUse(t);
  for (const pod of memory.pods) hang(pod);
  const calls = memory.pods.map(({ requests }) => requests);
  for (let n = 0; n < 600; n++) {
    const call = memory.call();
    memory.clock.schedule(() => call.cancel(new Error('enough')), 50);
    await memory.run(2);
  }
  const shares = memory.pods.map(({ requests }, n) => requests - calls[n]!);
  assert.ok(Math.max(...shares) - Math.min(...shares) <= 20, shares.join(', '));
});

test('one caller that gives up many requests at once leaves the loads as they are a moment later', async (t) => {
  const memory = await inUse(t);
  for (const pod of memory.pods) pod.react = () => ({ name: 'answer', after: 40 });
  const calls = memory.burst(90);
  await memory.run(20);
  for (const call of calls) call.cancel(new Error('enough'));
  await memory.run(1_000);
  assert.deepEqual(loadsOf(memory), [0, 0, 0]);
});

test('what is given up sooner than a pod answers says nothing', async (t) => {
  const memory = await inUse(t);
  hang(memory.pod(1));
  for (let n = 0; n < 100; n++) {
    const call = memory.call();
    await memory.run(TAKES - 1);
    call.cancel(new Error('enough'));
  }
  assert.deepEqual(loadsOf(memory), [0, 0, 0]);
});

test('requests that are given up while this process stands still say nothing', async (t) => {
  const memory = await inUse(t);
  hang(memory.pod(1));
  const calls = memory.burst(9);
  await memory.run(1);
  memory.clock.jump('10s');
  for (const call of calls) call.cancel(new Error('enough'));
  assert.deepEqual(loadsOf(memory), [0, 0, 0]);
});

test('a pod that leaves while it is silent leaves nothing behind', async (t) => {
  const memory = await inUse(t);
  hang(memory.pod(1));
  await callers(memory, 700);
  memory.resolver.set(memory.pods.slice(1));
  await callers(memory, 1_500);
  assert.deepEqual(loadsOf(memory), [0, 0]);
});

for (const [how, reason] of Object.entries({
  'AbortSignal.timeout, by undici': timeout(),
  'AbortSignal.timeout, by node:http': new Error('aborted', { cause: timeout() }),
})) {
  test(`a response that a time-out cuts off is none that was served: ${how}`, async (t) => {
    const memory = await inUse(t);
    for (const pod of memory.pods) pod.react = () => ({ name: 'answer', lasts: 10_000 });
    const call = memory.call();
    await memory.run(TAKES);
    const endpoint = call.endpoint!;
    call.cancel(reason);
    assert.equal(endpoint.unanswered, 1);
  });
}

function timeout(): Error {
  return Object.assign(new Error('too late'), { name: 'TimeoutError' });
}
