import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { stats } from '../../src/index.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
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
  const { dialError } = agent.stats[ORIGIN]!.endpoints.find(({ reasons }) =>
    reasons.includes('backing-off'),
  )!;
  assert.equal(dialError, 'ECONNREFUSED');
});

test('the stats say how long the requests of each pod took', async (t) => {
  const [slow, quick] = (await startPods(t, 2)) as [Pod, Pod];
  const clock = new FakeClock();
  slow.respond = (_request, response) => {
    clock.advance(60);
    response.end();
  };
  quick.respond = (_request, response) => {
    clock.advance(5);
    response.end();
  };
  const agent = startAgent(t, [slow, quick], { policy: 'round-robin', clock });
  assert.deepEqual(agent.stats, {});
  await load(agent, 20);
  const rows = new Map(agent.stats[ORIGIN]!.endpoints.map((row) => [row.address, row]));
  const [slowRow, quickRow] = [slow, quick].map(({ address, port }) => rows.get(`${address}:${port}`)!);
  assert.ok(slowRow!.p50! >= 50 && slowRow!.p99! >= slowRow!.p50!, `${slowRow!.p50}`);
  assert.ok(quickRow!.p50! < slowRow!.p50! && quickRow!.p50! > 0, `${quickRow!.p50}`);
});

test('the time that a request waited for a connection is none of its pod’s', async (t) => {
  const [pod] = (await startPods(t, 1)) as [Pod];
  const clock = new FakeClock();
  pod.respond = (_request, response) => {
    clock.advance(30);
    response.end();
  };
  const agent = startAgent(t, [pod], { connections: 1, clock });
  await load(agent, 10, 10);
  // The last of them waited for 270 ms.
  const { p99 } = agent.stats[ORIGIN]!.endpoints[0]!;
  assert.ok(p99! >= 28 && p99! < 35, `${p99}`);
});

test('the stats of the process are those of all agents together, until they are closed', async (t) => {
  const [pod] = (await startPods(t, 1)) as [Pod];
  const before = Object.keys(stats());
  const agents = [1, 2, 3].map(() => startAgent(t, [pod]));
  await Promise.all(agents.map((agent) => load(agent, 5)));
  await load(agents[2]!, 1, 1, 'http://payments.prod');
  assert.deepEqual(Object.keys(stats()), [...before, ORIGIN, 'http://payments.prod']);
  const [row] = stats()[ORIGIN]!.endpoints;
  assert.equal(row!.requests, 15);
  assert.ok(row!.p50! > 0);
  await agents[0]!.close();
  await agents[1]!.destroy();
  assert.equal(stats()[ORIGIN]!.endpoints[0]!.requests, 5);
  await agents[2]!.close();
  assert.deepEqual(Object.keys(stats()), before);
});

test('an agent that is forgotten without being closed goes from the stats, and from memory', async (t) => {
  const script = `
    import { BalancedAgent } from '${new URL('../../src/index.ts', import.meta.url)}';
    import { liveAgents } from '${new URL('../../src/telemetry/live-agents.ts', import.meta.url)}';
    for (let n = 0; n < 1000; n++) new BalancedAgent();
    await new Promise((resolve) => setTimeout(resolve));
    for (let n = 0; n < 5; n++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
    console.log(liveAgents().length);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', script],
    { signal: t.signal },
  );
  assert.ok(Number(stdout) < 10, stdout);
});
