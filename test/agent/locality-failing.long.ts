import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { type Pod, startPods } from '../support/pods.ts';

const RATE = 100;
const SECONDS = 4;
/** Milliseconds that a pod takes, and that a caller waits. */
const TAKES = 10;
const PATIENCE = 500;
const ZONES = ['own', 'second', 'third'];

type Fault = (pod: Pod) => void;

const FAULTS: Record<string, Fault> = {
  'answers 503': (pod) => {
    pod.respond = (_request, response) => response.writeHead(503).end();
  },
  'breaks its connections': (pod) => {
    pod.respond = (request) => request.socket.destroy();
  },
  'refuses connections': (pod) => void pod.kill(),
  'is silent': (pod) => {
    pod.respond = () => {};
  },
};

/** Requests at an even rate, during which so many pods of the own zone begin to fail; says how many failed. */
async function play(
  t: TestContext,
  size: number,
  fault: Fault,
  locality: 'zone' | 'off',
  victims = size,
): Promise<number> {
  const pods = await startPods(t, size * ZONES.length);
  for (const pod of pods) pod.respond = (_request, response) => setTimeout(() => response.end('yes'), TAKES);
  const resolver = new ManualResolver(
    pods.map(({ endpoint }, n) => ({ endpoint: { ...endpoint, zone: ZONES[Math.floor(n / size)]! } })),
  );
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality,
    kubernetes: { zone: 'own' },
    retry: false,
  });
  let failed = 0;
  const pending: Promise<void>[] = [];
  const begun = performance.now();
  for (let n = 0; n < RATE * SECONDS; n++) {
    if (n === RATE) for (const pod of pods.slice(0, victims)) fault(pod);
    const due = begun + (n * 1_000) / RATE;
    if (due > performance.now() + 1) await sleep(due - performance.now());
    const signal = AbortSignal.timeout(PATIENCE);
    pending.push(
      agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal }).then(
        async ({ statusCode, body }) => {
          await body.dump();
          if (statusCode !== 200) failed++;
        },
        () => void failed++,
      ),
    );
  }
  await Promise.all(pending);
  await agent.destroy();
  return failed;
}

/**
 * Whether a count is not above twice another one by more than chance makes it: if twice as many were to be expected,
 * each of both would be one of the first with a probability of 2/3, and so many of them are found once in twenty times.
 */
function isTwiceAtMost(count: number, other: number): boolean {
  const all = count + other;
  let probability = 0;
  let ways = 1;
  for (let k = all; k >= count; k--) {
    probability += ways * (2 / 3) ** k * (1 / 3) ** (all - k);
    ways *= k / (all - k + 1);
  }
  return probability >= 0.05;
}

test('counts tell a zone that fails more than twice as often', () => {
  for (const [count, other] of [
    [7, 6],
    [12, 6],
    [1, 0],
    [15, 6],
  ] as const)
    assert.ok(isTwiceAtMost(count, other));
  for (const [count, other] of [
    [27, 6],
    [8, 0],
    [75, 20],
  ] as const)
    assert.ok(!isTwiceAtMost(count, other));
});

describe('an own zone that fails', { concurrency: 4 }, () => {
  for (const [what, fault] of Object.entries(FAULTS)) {
    for (const size of [2, 3]) {
      test(`an own zone of ${size} pods, each of which ${what}, fails little more than without zones`, async (t) => {
        const [off, on] = await Promise.all([play(t, size, fault, 'off'), play(t, size, fault, 'zone')]);
        const total = RATE * SECONDS;
        console.log(`own zone of ${size} ${what}: ${on} of ${total} failed, ${off} with locality off`);
        assert.ok(isTwiceAtMost(on, off), `${on} failed, ${off} with locality off`);
      });
    }
  }

  for (const size of [2, 3]) {
    test(`one silent pod of an own zone of ${size} fails little more than without zones`, async (t) => {
      const silent = FAULTS['is silent']!;
      const [off, on] = await Promise.all([
        play(t, size, silent, 'off', 1),
        play(t, size, silent, 'zone', 1),
      ]);
      console.log(`one of ${size} pods is silent: ${on} failed, ${off} with locality off`);
      assert.ok(isTwiceAtMost(on, off), `${on} failed, ${off} with locality off`);
    });
  }
});
