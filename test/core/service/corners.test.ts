import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { UnresponsiveError } from '../../../src/core/base/errors.ts';
import { MemoryService } from '../../support/memory-service.ts';

/** A service that starts slowly, of five endpoints, of which two fail, and one is ejected for that: no more may be. */
async function startingSlowly(t: TestContext): Promise<MemoryService> {
  const outlierDetection = { consecutiveFailures: 1, maxEjectionPercent: 10 };
  const options = { slowStart: { window: '5s' }, outlierDetection, retry: false } as const;
  const memory = new MemoryService(t, { pods: 5, options });
  await memory.load(20, 20);
  for (const [n, standing] of ['out', 'failing'].entries()) {
    memory.pod(n + 1).react = () => ({ name: 'answer', status: 503 });
    const endpoint = memory.service.endpoints.current.get(`10.0.0.${n + 1}:80`)!;
    for (let calls = 0; calls < 100 && endpoint.health?.standing !== standing; calls++)
      await memory.load(1, 20);
    assert.equal(endpoint.health?.standing, standing);
  }
  return memory;
}

test('an ejected endpoint may leave a service that starts slowly', async (t) => {
  const memory = await startingSlowly(t);
  const left = memory.pods.slice(2);
  memory.resolver.set(left);
  await memory.run(10);
  assert.equal(memory.service.discovery.error, null);
  assert.equal(memory.service.endpoints.current.size, left.length);
  for (const call of await memory.load(10, 20)) assert.ok(call.answered);
});

test('a service that starts slowly may end while an endpoint is ejected', async (t) => {
  const { service } = await startingSlowly(t);
  await service.destroy(new Error('over'));
});

test('a connection has an end, though all of its age is left to chance', async (t) => {
  const options = {
    maxConnectionDuration: '1s',
    connectionDurationJitter: 1,
    random: () => 1 - 2 ** -53,
  } as const;
  const memory = new MemoryService(t, { pods: 1, options });
  await memory.load(10, 100);
  assert.ok(memory.pod(1).opened.length > 5);
});

test('what waits for a socket of its own goes elsewhere when its endpoint asks for a pause', async (t) => {
  const memory = new MemoryService(t, { pods: 2 });
  await memory.load(10, 10);
  memory.allAnswerAfter(50);
  memory.pod(1).react = () => ({
    name: 'answer',
    after: 50,
    status: 503,
    headers: { 'retry-after': '10' },
  });
  memory.burst(2);
  for (const pod of memory.pods) pod.handshake = 100;
  // Both connections are busy, so that another one is made to each pod.
  const sockets = memory.burst(2, { lasting: true });
  await memory.run(49);
  assert.deepEqual(
    sockets.map(({ sentTo }) => sentTo),
    [[], []],
  );
  await memory.run(500);
  assert.deepEqual(
    sockets.map(({ sentTo }) => sentTo),
    [['10.0.0.2'], ['10.0.0.2']],
  );
});

test('a pod that vanishes is found to be gone as well while all calls have keys', async (t) => {
  const memory = new MemoryService(t, { pods: 1, options: { policy: 'ring-hash', retry: false } });
  Object.assign(memory.transport, { unacknowledged: async () => new Map([['', true]]) });
  await memory.load(3, 10, { keyHash: 7 });
  memory.pod(1).dials = 'unanswered';
  memory.pod(1).react = () => ({ name: 'hang' });
  const call = memory.call({ keyHash: 7 });
  for (let n = 0; n < 60 && call.error === undefined; n++) await memory.run('1s');
  assert.ok(call.error instanceof UnresponsiveError);
});
