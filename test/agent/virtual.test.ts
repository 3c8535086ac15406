import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { buildConnector } from 'undici';
import { ClusterNames } from '../../src/core/discovery/kubernetes/cluster-names.ts';
import type { Resolution } from '../../src/core/discovery/resolver.ts';
import { noticeVirtual } from '../../src/core/discovery/virtual.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { steady } from '../support/steady.ts';
import { startVirtualIp } from '../support/virtual-ip.ts';

test('a virtual IP is re-dialled as connections age, so that pods behind it share the traffic', async (t) => {
  const pods = await startPods(t, 4);
  const vip = await startVirtualIp(t, pods);
  const resolver = new ManualResolver();
  resolver.set([vip], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, maxConnectionDuration: 800, spread: 4 });
  await steady(agent, 200, 2.5);
  for (const pod of pods) assert.ok(pod.requests > 60, pods.map(({ requests }) => requests).join());
});

test('a virtual IP that refuses all has a few dials for each request, and serves the first one that it may', async (t) => {
  const [pod] = await startPods(t, 1);
  const dial = buildConnector({});
  let dials = 0;
  let refuses = true;
  const connect: buildConnector.connector = (params, callback) => {
    dials++;
    if (refuses) callback(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), null);
    else dial(params, callback);
  };
  const resolver = new ManualResolver();
  resolver.set([pod!], { virtual: true });
  const clock = new FakeClock();
  const agent = startAgent(t, [], { discovery: resolver.resolve, connect, spread: 32, clock });
  // Until each of those that it stands for has failed, nobody knows that none leads anywhere.
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
  for (let n = 0; n < 20; n++) {
    const before = dials;
    await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
    assert.ok(dials - before <= 8, String(dials - before));
  }
  refuses = false;
  assert.equal(await get(agent), pod!.address);
});

/** Pods that name themselves in a header. */
async function startNamedPods(t: TestContext, count: number): Promise<Pod[]> {
  const pods = await startPods(t, count);
  pods.forEach((pod, n) => {
    pod.respond = (_request, response) => void response.setHeader('x-pod-name', `pod-${n}`).end();
  });
  return pods;
}

test('with identityHeader, requests are balanced over the pods behind a virtual IP, and new ones are found', async (t) => {
  const pods = await startNamedPods(t, 6);
  const behind = pods.slice(0, 3);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, behind)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'X-Pod-Name' });
  const identities = () =>
    (agent.stats[ORIGIN]?.endpoints ?? []).flatMap(({ identity }) => identity ?? []).sort();
  const known = (count: number) => identities().length === count;
  while (!known(3)) await steady(agent, 100, 0.2);
  behind.push(...pods.slice(3));
  while (!known(6)) await steady(agent, 100, 0.2);
  assert.deepEqual(identities(), ['pod-0', 'pod-1', 'pod-2', 'pod-3', 'pod-4', 'pod-5']);
  const before = pods.map(({ requests }) => requests);
  await steady(agent, 200, 1.5);
  const during = pods.map(({ requests }, n) => requests - before[n]!);
  for (const count of during) assert.ok(count > 40 && count < 60, during.join());

  for (const pod of pods.slice(0, 2)) await pod.kill();
  behind.splice(0, 2);
  while (!known(4)) await steady(agent, 50, 0.1).catch(() => []);
  await steady(agent, 100, 0.5);
  const { running, queued } = agent.stats[ORIGIN]!;
  assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
  await agent.close();
});

test('with identityHeader, a pod names itself in its response, not in the early hints before it', async (t) => {
  const pods = await startNamedPods(t, 2);
  for (const pod of pods) {
    const { respond } = pod;
    pod.respond = (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => respond(request, response));
    };
  }
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'x-pod-name' });
  await load(agent, 50, 4);
  assert.ok(agent.stats[ORIGIN]!.endpoints.every(({ identity }) => identity?.startsWith('pod-')));
});

test('with identityHeader, pods that don’t name themselves are served as without', async (t) => {
  const pods = await startPods(t, 2);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'x-pod-name' });
  await load(agent, 200, 4);
  for (const { requests } of pods) assert.ok(requests > 0);
});

for (const [what, endpoints, matchedName, expected] of [
  ['one private address', ['10.96.0.1'], undefined, true],
  ['one address of a Service', ['203.0.113.7'], 'orders.prod.svc.cluster.local', true],
  ['one public address', ['203.0.113.7'], 'example.com', false],
  ['one public address of a domain named svc', ['203.0.113.7'], 'api.svc.example.com', false],
  ['one link-local address', ['169.254.169.254'], 'metadata.google.internal', false],
  ['one loopback address', ['127.0.0.1'], 'orders.prod.svc.cluster.local', false],
  ['two private addresses', ['10.0.0.1', '10.0.0.2'], 'orders.prod.svc.cluster.local', false],
] as const) {
  test(`${what} ${expected ? 'is' : 'is not'} taken for a virtual IP`, async () => {
    const resolution: Resolution = {
      endpoints: endpoints.map((address) => ({ address, port: 80 })),
      source: 'dns',
      ...(matchedName ? { matchedName } : undefined),
    };
    const names = new ClusterNames('cluster.local', { resolvConf: '', hostname: 'app-1' });
    const resolver = noticeVirtual(async function* () {
      yield resolution;
    }, names);
    const target = { hostname: 'orders', port: 80, protocol: 'http:' } as const;
    for await (const seen of resolver(target, new AbortController().signal)) {
      assert.equal('endpoints' in seen && seen.virtual === true, expected);
    }
  });
}
