import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { type Pod, settle, startPods } from '../support/pods.ts';

test('what is under way counts, though the pod that has it has left and is not listed', async (t) => {
  const pods = await startPods(t, 3);
  const [other, ...old] = pods as [(typeof pods)[0], ...typeof pods];
  const resolver = new ManualResolver(old);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await load(agent, 20, 4);
  const held = get(agent, '/slow');
  const busy = await Promise.race(old.map((pod) => pod.received('/slow').then(() => pod)));
  resolver.set([other]);
  await get(agent);
  await settle();

  const { running, discovery, endpoints } = agent.stats[ORIGIN]!;
  assert.deepEqual([running, discovery.endpoints], [1, 1]);
  const rows = endpoints.map(({ address, inFlight }) => [address, inFlight]);
  assert.deepEqual(rows, [[`${other.address}:${other.port}`, 0]]);
  busy.release('/slow');
  await held;
});

test('stats can be written as JSON, with what an error says', async (t) => {
  const resolver = new ManualResolver(await startPods(t, 1));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await get(agent);
  const error = Object.assign(new Error('no answer'), { code: 'EXAMPLE', request: {} as object });
  error.request = { error };
  resolver.say({ error });
  await settle();

  const { discovery } = agent.stats[ORIGIN]!;
  assert.equal(discovery.error, error);
  assert.deepEqual(Object.keys(discovery), ['source', 'endpoints', 'updatedAt', 'error']);
  const written = JSON.parse(JSON.stringify(agent.stats))[ORIGIN];
  assert.deepEqual(written.discovery, {
    ...discovery,
    error: { name: 'Error', code: 'EXAMPLE', message: 'no answer' },
  });
});

test('the stats say of each endpoint why it gets nothing', async (t) => {
  const [pod, other] = (await startPods(t, 2)) as [Pod, Pod];
  const agent = startAgent(t, [pod, other]);
  await load(agent, 20, 4);
  await other.kill();
  await load(agent, 20, 4);
  const reasons = new Map(agent.stats[ORIGIN]!.endpoints.map((row) => [row.address, row.reasons]));
  assert.deepEqual(reasons.get(`${pod.address}:${pod.port}`), []);
  assert.ok(reasons.get(`${other.address}:${other.port}`)!.includes('backing-off'));
});
