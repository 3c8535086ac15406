import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

async function ask(agent: BalancedAgent, count = 1): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < count; n++) {
    const { statusCode, body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
    statuses.push(statusCode);
  }
  return statuses;
}

function overload(pod: Pod, statusCode: number, retryAfter: string): void {
  pod.respond = (_request, response) =>
    response.writeHead(statusCode, { 'retry-after': retryAfter }).end('later');
}

for (const [statusCode, times] of [
  [503, 1],
  [429, 5],
] as const) {
  test(`a pod that answers ${statusCode}, ${times} times in a row, and says for how long gets that time`, async (t) => {
    const clock = new FakeClock();
    const pods = await startPods(t, 3);
    const bad = pods[0]!;
    overload(bad, statusCode, '10');
    const agent = startAgent(t, pods, { clock, policy: 'round-robin' });
    assert.deepEqual(
      (await ask(agent, 60)).filter((status) => status !== 200),
      Array.from({ length: times }, () => statusCode),
    );
    const states = agent.stats[ORIGIN]!.endpoints.map(({ state }) => state);
    assert.equal(states.includes('ejected'), false);
    clock.advance('9s');
    assert.deepEqual(new Set(await ask(agent, 30)), new Set([200]));
    bad.respond = (_request, response) => response.end('ready');
    const { requests } = bad;
    clock.advance('1s');
    await ask(agent, 30);
    assert.ok(bad.requests > requests + 5);
  });
}

test('429 now and then is about those who ask', async (t) => {
  const pods = await startPods(t, 3);
  let n = 0;
  pods[0]!.respond = (_request, response) =>
    n++ % 3 === 2 ? response.end('yes') : response.writeHead(429, { 'retry-after': '10' }).end();
  const agent = startAgent(t, pods, { clock: new FakeClock(), policy: 'round-robin' });
  await ask(agent, 60);
  // A third of them, give or take those while the connections were made. A pause would leave it five.
  assert.ok(pods[0]!.requests >= 16, `${pods[0]!.requests} of 60 requests`);
});

test('when all pods ask for a pause, none gets it', async (t) => {
  const pods = await startPods(t, 3);
  for (const pod of pods) overload(pod, 429, '10');
  const agent = startAgent(t, pods, { policy: 'round-robin' });
  await ask(agent, 60);
  for (const { requests } of pods) assert.ok(requests > 10, `${requests} requests`);
});

test('a pause is no ejection, and takes nobody’s place among the ejected', async (t) => {
  const pods = await startPods(t, 4);
  overload(pods[0]!, 503, '20');
  const agent = startAgent(t, pods, { clock: new FakeClock(), policy: 'round-robin' });
  assert.equal((await ask(agent, 40)).filter((status) => status === 503).length, 1);
  pods[1]!.respond = (_request, response) => response.writeHead(504).end();
  assert.equal((await ask(agent, 80)).filter((status) => status === 504).length, 5);
  const states = agent.stats[ORIGIN]!.endpoints.map(({ state }) => state);
  assert.equal(states.filter((state) => state === 'ejected').length, 1);
});

test('without Retry-After there is no pause, nor with a success', async (t) => {
  const pods = await startPods(t, 3);
  pods[0]!.respond = (_request, response) => response.writeHead(429).end();
  pods[1]!.respond = (_request, response) => response.writeHead(200, { 'retry-after': '10' }).end();
  const agent = startAgent(t, pods, { clock: new FakeClock(), policy: 'round-robin' });
  await ask(agent, 60);
  for (const { requests } of pods) assert.ok(requests > 10, `${requests} requests`);
});

test('a virtual IP has no pauses', async (t) => {
  const [pod] = (await startPods(t, 1)) as [Pod];
  overload(pod, 429, '10');
  const resolver = new ManualResolver();
  resolver.set([pod], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, policy: 'round-robin', spread: 2 });
  const watch = startStopwatch();
  await ask(agent, 20);
  assert.ok(watch() < 5_000);
});
