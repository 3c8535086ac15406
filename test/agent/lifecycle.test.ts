import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { errors } from 'undici';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { type Pod, startPod, startPods } from '../support/pods.ts';

async function inFlight(agent: BalancedAgent, pod: Pod): Promise<{ response: Promise<number> }> {
  const response = agent
    .request({ origin: ORIGIN, path: '/slow', method: 'GET' })
    .then(async ({ body, statusCode }) => {
      await body.dump();
      return statusCode;
    });
  await pod.received('/slow');
  return { response };
}

test('close waits for what is in flight and what waits, and leaves no connection', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { connections: 1 });
  const { response } = await inFlight(agent, pod);
  const waiting = get(agent);
  const closed = agent.close();
  assert.equal(agent.closed, true);
  assert.equal(agent.destroyed, false);
  await assert.rejects(get(agent), errors.ClientClosedError);
  pod.release('/slow');
  assert.equal(await response, 200);
  await waiting;
  await closed;
  assert.equal(agent.destroyed, true);
  await pod.allClosed();
});

test('destroy fails what is in flight and what waits, with the error given', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { connections: 1 });
  const { response } = await inFlight(agent, pod);
  const waiting = get(agent);
  const failures = Promise.allSettled([response, waiting]);
  const reason = new Error('shutting down');
  await agent.destroy(reason);
  for (const outcome of await failures) {
    assert.equal(outcome.status, 'rejected');
    assert.equal(outcome.reason, reason);
  }
  await assert.rejects(get(agent), errors.ClientDestroyedError);
  pod.release('/slow');
  await pod.allClosed();
});

test('destroy while the name is being resolved fails the request', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const waiting = get(agent);
  await Promise.all([assert.rejects(waiting, errors.ClientDestroyedError), agent.destroy()]);
});

test('close while the name is being resolved waits for it', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const waiting = get(agent);
  const closed = agent.close();
  resolver.set([pod]);
  assert.equal(await waiting, pod.address);
  await closed;
});

test('close and destroy call back as undici does', async (t) => {
  const pod = await startPod(t);
  const agent = new BalancedAgent({ discovery: new ManualResolver([pod]).resolve });
  await get(agent);
  const closed = new Promise((resolve) => agent.close((...args: unknown[]) => resolve(args)));
  const closedAgain = new Promise((resolve) => agent.close((...args: unknown[]) => resolve(args)));
  assert.deepEqual(await closed, [null, null]);
  assert.deepEqual(await closedAgain, [null, null]);
  assert.deepEqual(await new Promise((resolve) => agent.destroy((...args: unknown[]) => resolve(args))), [
    null,
    null,
  ]);
  await agent.destroy(new Error('again'));
  assert.throws(() => agent.close(42 as never), errors.InvalidArgumentError);
});

test('close of a destroyed agent is an error', async (t) => {
  const agent = startAgent(t, []);
  await agent.destroy();
  await assert.rejects(agent.close(), errors.ClientDestroyedError);
});

test('the events of undici are emitted, with the agent as the first target', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { maxRequestsPerConnection: 1 });
  const connected = once(agent, 'connect');
  const disconnected = once(agent, 'disconnect');
  await get(agent);
  const [origin, targets] = await connected;
  assert.equal(origin.origin, ORIGIN);
  assert.equal(targets[0], agent);
  assert.equal(targets.length, 2);
  const [, lost, error] = await disconnected;
  assert.deepEqual(lost, targets);
  assert.ok(error instanceof Error);
});

for (const how of ['close', 'destroy'] as const) {
  test(`${how} resolves when all connections have been said to be gone, as undici's does`, async (t) => {
    const pods = await startPods(t, 2);
    const agent = startAgent(t, pods);
    const said: string[] = [];
    agent.on('connect', () => said.push('connect')).on('disconnect', () => said.push('disconnect'));
    await load(agent, 20, 4);
    await agent[how]();
    const connected = said.filter((event) => event === 'connect').length;
    assert.equal(said.length, 2 * connected, said.join());
  });
}

test('a dial that fails is a connectionError', async (t) => {
  const agent = startAgent(t, [{ endpoint: { address: '127.0.0.1', port: 9 } }]);
  const failed = once(agent, 'connectionError');
  await assert.rejects(get(agent));
  const [origin, targets, error] = await failed;
  assert.equal(origin.origin, ORIGIN);
  assert.equal(targets[0], agent);
  assert.equal(error.code, 'ECONNREFUSED');
});

test('stats are keyed by origin and add up', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods);
  await load(agent, 300, 10);
  const stats = agent.stats[ORIGIN]!;
  assert.equal(stats.running, 0);
  assert.equal(stats.queued, 0);
  assert.equal(stats.size, 0);
  assert.equal(stats.connected, stats.free);
  assert.equal(stats.discovery.source, 'test');
  assert.equal(stats.discovery.endpoints, 3);
  assert.equal(stats.discovery.error, null);
  const total = stats.endpoints.reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(total, 300);
  for (const endpoint of stats.endpoints) {
    assert.equal(endpoint.state, 'ready');
    assert.equal(endpoint.inFlight, 0);
    assert.equal(endpoint.connections, endpoint.opened - endpoint.retired);
  }
});

test('a service that nobody uses for originIdleTimeout is dropped', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod], { originIdleTimeout: '1m', clock });
  await get(agent);
  clock.advance('50s');
  assert.ok(ORIGIN in agent.stats);
  await get(agent);
  clock.advance('50s');
  assert.ok(ORIGIN in agent.stats);
  clock.advance('20s');
  assert.deepEqual(agent.stats, {});
  await pod.allClosed();
});

test('with more origins than maxOrigins the least recently used one drains and goes', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { maxOrigins: 2 });
  const slow = agent.request({ origin: 'http://a.prod', path: '/slow', method: 'GET' });
  await pod.received('/slow');
  await get(agent, '/', 'http://b.prod');
  await get(agent, '/', 'http://c.prod');
  assert.deepEqual(Object.keys(agent.stats).sort(), ['http://b.prod', 'http://c.prod']);
  pod.release('/slow');
  assert.equal(await (await slow).body.text(), pod.address);
});

test('compose returns a dispatcher that closes the agent', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const paths: string[] = [];
  const composed = agent.compose((dispatch) => (options, handler) => {
    paths.push(options.path);
    return dispatch(options, handler);
  });
  const { body } = await composed.request({ origin: ORIGIN, path: '/composed', method: 'GET' });
  await body.dump();
  assert.deepEqual(paths, ['/composed']);
  await composed.close();
  assert.equal(agent.destroyed, true);
});
