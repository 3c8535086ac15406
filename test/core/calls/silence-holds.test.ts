import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MemoryCall } from '../../support/memory-call.ts';
import type { MemoryPod } from '../../support/memory-pod.ts';
import { MemoryService, type MemoryServiceOptions } from '../../support/memory-service.ts';
import { seededRandom } from '../../support/random.ts';

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

/** Callers for so long. Each waits for its answer, but no longer than `patience`. Returns how many gave up. */
async function callers(
  memory: MemoryService,
  duration: number,
  patience = PATIENCE,
  keys: readonly number[] = [-1],
  count = 8,
): Promise<number> {
  const { clock } = memory;
  const end = clock.now() + duration;
  const open = new Map<MemoryCall, number>();
  let given = 0;
  let turn = 0;
  const keyHash = () => keys[turn++ % keys.length]!;
  while (clock.now() < end) {
    for (const [call, since] of open) {
      if (call.ends.length === 0 && clock.now() - since < patience) continue;
      if (call.ends.length === 0) given++;
      call.cancel(new Error('enough'));
      open.delete(call);
    }
    while (open.size < count) open.set(memory.call({ repeatable: false, keyHash: keyHash() }), clock.now());
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

const KEYS = Array.from({ length: 50 }, (_, n) => scatter(n));
const BLIND = Object.entries<[options: MemoryServiceOptions, keys?: readonly number[]]>({
  'round-robin': [{ options: { policy: 'round-robin' } }],
  'round-robin, HTTP/2': [{ multiplexes: true, options: { policy: 'round-robin' } }],
  'round-robin, without outlier detection': [{ options: { policy: 'round-robin', outlierDetection: false } }],
  keys: [{ options: { policy: 'ring-hash' } }, KEYS],
  'keys, without a bound': [{ options: { policy: 'ring-hash', ringHash: { balanceFactor: 0 } } }, KEYS],
});

for (const [name, [options, keys]] of BLIND) {
  test(`a policy that doesn't look at loads spares a pod that hangs: ${name}`, async (t) => {
    const memory = await inUse(t, options);
    const pod = memory.pod(1);
    hang(pod);
    // Unless it is spared, all eight soon wait for it, again and again: 60.
    const lost = await callers(memory, 5_000, PATIENCE, keys);
    // It takes those eight to find out. Then it is asked after 1.8 s, and after four times as long.
    assert.ok(lost <= 11, `${lost} are lost`);
    assert.ok(!memory.service.endpoints.current.get('10.0.0.1:80')!.isEjected);
    const loads = memory.pods.map(({ requests }) => requests);
    await callers(memory, 1_000, PATIENCE, keys);
    assert.ok(memory.pods.every(({ requests }, n) => n === 0 || requests - loads[n]! > 300));
  });

  test(`it has its share again when it answers: ${name}`, async (t) => {
    const memory = await inUse(t, options);
    const shareOf = async () => {
      const [before, all] = [memory.pod(1).requests, memory.service.requests];
      await callers(memory, 1_000, PATIENCE, keys);
      return (memory.pod(1).requests - before) / (memory.service.requests - all);
    };
    const fair = await shareOf();
    hang(memory.pod(1));
    await callers(memory, 1_500, PATIENCE, keys);
    memory.pod(1).react = () => ({ name: 'answer', after: TAKES });
    // It was silent for 1.5 s, so it is asked within 4.5.
    await callers(memory, 6_000, PATIENCE, keys);
    const share = await shareOf();
    assert.ok(Math.abs(share - fair) < 0.02, `${share} of the requests, and ${fair} before`);
  });
}

for (const [name, [options, keys]] of [['least-request', [{}]] as (typeof BLIND)[number], ...BLIND]) {
  test(`all pods serve a moment after all of them hung: ${name}`, async (t) => {
    const memory = await inUse(t, options);
    for (const pod of memory.pods) hang(pod);
    await callers(memory, 20_000, PATIENCE, keys, 1);
    for (const pod of memory.pods) pod.react = () => ({ name: 'answer', after: TAKES });
    // Three times as long as callers wait, and a second until it is looked at.
    await callers(memory, 3 * PATIENCE + 1_000, PATIENCE, keys, 1);
    const before = memory.pods.map(({ requests }) => requests);
    await callers(memory, 1_000, PATIENCE, keys, 1);
    const shares = memory.pods.map(({ requests }, n) => requests - before[n]!);
    assert.ok(Math.min(...shares) > 0.4 * Math.max(...shares), shares.join(', '));
  });
}

for (const policy of ['least-request', 'round-robin'] as const) {
  test(`a pod that answers again is asked again soon if who asked it left at once: ${policy}`, async (t) => {
    const memory = await inUse(t, { options: { policy } });
    const pod = memory.pod(1);
    hang(pod);
    await callers(memory, 10_000);
    pod.react = () => ({ name: 'answer', after: 20 });
    const before = pod.requests;
    while (pod.requests === before) await callers(memory, 20, 2 * TAKES);
    pod.react = () => ({ name: 'answer', after: TAKES });
    // It is asked again in a thousand times as long as that, not in thirty seconds.
    await callers(memory, 9_000);
    assert.ok(pod.requests - before > 300, `${pod.requests - before}`);
  });
}

test('an answer that begins is enough, though it has not ended', async (t) => {
  const memory = await inUse(t, { options: { policy: 'round-robin' } });
  hang(memory.pod(1));
  await callers(memory, 1_500);
  memory.pod(1).react = () => ({ name: 'answer', after: TAKES, lasts: 60_000 });
  const before = memory.pod(1).requests;
  await callers(memory, 6_000, 60_000);
  assert.ok(memory.pod(1).requests - before >= 8, 'all callers have got such an answer');
});

test('where most pods hang, none is spared', async (t) => {
  const memory = await inUse(t, { pods: 5, options: { policy: 'round-robin' } });
  const reasons = () => [...memory.service.endpoints.current.values()].filter(({ isHealthy }) => !isHealthy);
  for (const n of [1, 2]) hang(memory.pod(n));
  await callers(memory, 3_000);
  assert.equal(reasons().length, 2);
  hang(memory.pod(3));
  await callers(memory, 3_000);
  assert.equal(reasons().length, 0);
});

/** The share of each pod, while of 4,000 requests, one each 2 ms, those are given up that `giveUp` says: after so many ms. */
async function sharesWhile(
  memory: MemoryService,
  giveUp: (n: number) => number | undefined,
  keyHash: (n: number) => number = () => -1,
): Promise<number[]> {
  const before = memory.pods.map(({ requests }) => requests);
  for (let n = 0; n < 4_000; n++) {
    const call = memory.call({ keyHash: keyHash(n) });
    const patience = giveUp(n);
    if (patience !== undefined) memory.clock.schedule(() => call.cancel(new Error('enough')), patience);
    await memory.run(2);
  }
  return memory.pods.map(({ requests }, n) => (requests - before[n]!) / 4_000);
}

function isEven(shares: readonly number[], tolerance: number): void {
  const each = 1 / shares.length;
  assert.ok(
    shares.every((share) => Math.abs(share - each) <= tolerance * each),
    shares.map((share) => share.toFixed(3)).join(', '),
  );
}

// With one request for each connection, a slow pod misses turns while it is dialled.
const ROUND_ROBIN: MemoryServiceOptions = { multiplexes: true, options: { policy: 'round-robin' } };

test('round-robin: searches that are given up at the next letter change no share', async (t) => {
  const memory = await inUse(t, ROUND_ROBIN);
  for (const pod of memory.pods) pod.react = () => ({ name: 'answer', after: 50 });
  // Nine in ten. Until there are some at all pods, a pod may have had only such.
  isEven(await sharesWhile(memory, (n) => (n % 10 === 0 ? undefined : 20 + (n % 20))), 0.05);
});

test('round-robin: a pod that is slower than callers wait, and answers those who do, keeps its share', async (t) => {
  const memory = await inUse(t, ROUND_ROBIN);
  memory.pod(1).react = () => ({ name: 'answer', after: 100 });
  const random = seededRandom(1);
  // Seven in ten wait for 40 ms, and the others as long as it takes. By chance, the first ones may all be given up.
  isEven(await sharesWhile(memory, () => (random() < 0.7 ? 40 : undefined)), 0.05);
});

test('round-robin: long polls that are given up, at all pods, change no share', async (t) => {
  const memory = await inUse(t, ROUND_ROBIN);
  let polls = 0;
  for (const pod of memory.pods)
    pod.react = () => (polls++ % 4 === 0 ? { name: 'hang' } : { name: 'answer', after: TAKES });
  isEven(await sharesWhile(memory, () => 300), 0.01);
});

/** A key of the first pod, and all keys of the others. */
async function keysOf(memory: MemoryService): Promise<[key: number, others: readonly number[]]> {
  let first = -1;
  const others: number[] = [];
  for (const keyHash of KEYS) {
    const [call] = await memory.load(1, 20, { keyHash });
    if (call?.sentTo[0] === '10.0.0.1') first = keyHash;
    else others.push(keyHash);
  }
  assert.ok(first >= 0);
  return [first, others];
}

test('a key whose callers give up whatever they ask for stays at its pod', async (t) => {
  const memory = await inUse(t, { options: { policy: 'ring-hash' } });
  const [habit, others] = await keysOf(memory);
  const isPoll = ({ keyHash }: MemoryCall) => keyHash === habit;
  for (const pod of memory.pods)
    pod.react = (call) => (isPoll(call) ? { name: 'hang' } : { name: 'answer', after: TAKES });
  const polls: MemoryCall[] = [];
  for (let n = 0; n < 4_000; n++) {
    const call = memory.call({ keyHash: n % 20 === 0 ? habit : others[n % others.length]! });
    if (isPoll(call)) {
      polls.push(call);
      memory.clock.schedule(() => call.cancel(new Error('enough')), 35);
    }
    await memory.run(2);
  }
  const elsewhere = polls.filter(({ sentTo }) => sentTo[0] !== '10.0.0.1').length;
  // That is how evenkeel finds out.
  assert.ok(elsewhere <= polls.length / 20, `${elsewhere} of ${polls.length} go elsewhere`);
});

test('one key is enough for a pod that hangs', async (t) => {
  const memory = await inUse(t, { options: { policy: 'ring-hash' } });
  const [key] = await keysOf(memory);
  hang(memory.pod(1));
  const lost = await callers(memory, 5_000, PATIENCE, [key]);
  assert.ok(lost <= 11, `${lost} are lost`);
});

/** Hashes that are spread over the ring. */
function scatter(n: number): number {
  return Math.imul(n + 1, 0x9e3779b9) >>> 0;
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
