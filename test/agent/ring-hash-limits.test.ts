import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildConnector } from 'undici';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { h2c, startH2Pod } from '../support/h2-pod.ts';
import { nextAddress, settle } from '../support/pods.ts';
import { ask, askAll, HEADER, startBusyPods, usersOf, WORK } from './busy-pods.ts';

test('over HTTP/2, too, a pod has no more requests with a key than it may', async (t) => {
  let [now, most] = [0, 0];
  const pod = await startH2Pod(t, async (stream) => {
    most = Math.max(most, ++now);
    await delay(WORK);
    now--;
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end();
  });
  const agent = startAgent(t, [pod], {
    policy: 'ring-hash',
    ringHash: { header: HEADER },
    maxRequestsPerEndpoint: 2,
    ...h2c,
  });
  await askAll(agent, 20, usersOf(100));
  assert.equal(most, 2);
});

for (const balanceFactor of [1.25, 0]) {
  test(`balanceFactor ${balanceFactor}: keys of a new pod that drops packets wait for nobody`, async (t) => {
    const { pods } = await startBusyPods(t, 3);
    const resolver = new ManualResolver(pods);
    const silent = nextAddress();
    const dial = buildConnector({});
    let dialled = false;
    const agent = startAgent(t, [], {
      discovery: resolver.resolve,
      policy: 'ring-hash',
      ringHash: { header: HEADER, balanceFactor },
      connect: (params, callback) => {
        if (params.hostname === silent) dialled = true;
        else dial(params, callback);
      },
    });
    const users = Array.from({ length: 100 }, (_, n) => `user-${n}`);
    await askAll(agent, 4, [...users]);
    resolver.set([...pods, { endpoint: { address: silent, port: pods[0]!.port } }]);
    while (agent.stats[ORIGIN]!.endpoints.length < 4) await settle();
    const waits = await askAll(agent, 4, [...users, ...users]);
    const longest = Math.max(...waits.map(({ took }) => took));
    t.diagnostic(`the longest wait is ${longest.toFixed(0)} ms`);
    assert.ok(dialled);
    assert.ok(longest < 500, String(longest));
  });
}

test('keys of one of three pods that drops packets from the start go on to another one, after a moment', async (t) => {
  const { pods } = await startBusyPods(t, 2);
  const silent = nextAddress();
  const dial = buildConnector({});
  const agent = startAgent(t, [...pods, { endpoint: { address: silent, port: 9 } }], {
    policy: 'ring-hash',
    ringHash: { header: HEADER, balanceFactor: 0 },
    connect: (params, callback) => {
      if (params.hostname !== silent) dial(params, callback);
    },
  });
  const users = Array.from({ length: 30 }, (_, n) => `user-${n}`);
  const first = await Promise.all(users.map((user) => ask(agent, user)));
  assert.ok(Math.max(...first.map(({ took }) => took)) < 1_000);
  const later = await Promise.all(users.map((user) => ask(agent, user)));
  assert.ok(Math.max(...later.map(({ took }) => took)) < 500);
});

test('the keys of a new pod are its as soon as it is connected', async (t) => {
  const { pods } = await startBusyPods(t, 4);
  const resolver = new ManualResolver(pods.slice(1));
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    policy: 'ring-hash',
    ringHash: { header: HEADER, balanceFactor: 0 },
  });
  const users = Array.from({ length: 60 }, (_, n) => `user-${n}`);
  const before = await askAll(agent, 1, [...users]);
  resolver.set(pods);
  const fresh = pods[0]!;
  while (fresh.requests === 0) for (const user of users) await ask(agent, user);
  for (const [index, { pod }] of (await askAll(agent, 1, [...users])).entries()) {
    assert.ok(pod === before[index]!.pod || pod === fresh.address);
  }
});
