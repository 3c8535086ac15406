import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildConnector, fetch } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { type Pod, settle, startPods } from '../support/pods.ts';

const options = { policy: 'ring-hash', ringHash: { header: 'X-User' } } as const;

async function ask(agent: BalancedAgent, user: string | undefined, path = '/'): Promise<string> {
  const headers = user === undefined ? {} : { 'x-user': user };
  const { body } = await agent.request({ origin: ORIGIN, path, method: 'GET', headers });
  return body.text();
}

const USERS = Array.from({ length: 60 }, (_, n) => `user-${n}`);

async function homes(agent: BalancedAgent, users = USERS): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const user of users) found.set(user, await ask(agent, user));
  return found;
}

test('requests with the same key go to the same pod, of all clients', async (t) => {
  const pods = await startPods(t, 4);
  // No key goes elsewhere because a connection takes long while this process is slow.
  const patient = { ...options, clock: new FakeClock() };
  const [one, other] = [startAgent(t, pods, patient), startAgent(t, pods.toReversed(), patient)];
  const first = await homes(one);
  assert.deepEqual(await homes(one), first);
  assert.deepEqual(await homes(other), first);
  assert.equal(new Set(first.values()).size, 4);
});

test('one pod that is removed moves its own keys, and they come back with it', async (t) => {
  const pods = await startPods(t, 4);
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { discovery: resolver.resolve, ...options });
  const before = await homes(agent);
  resolver.set(pods.slice(1));
  await settle();
  for (const [user, pod] of await homes(agent)) {
    if (before.get(user) === pods[0]!.address) assert.notEqual(pod, pods[0]!.address);
    else assert.equal(pod, before.get(user));
  }
  resolver.set(pods);
  await settle();
  assert.deepEqual(await homes(agent), before);
});

test('the key may come from a function, and from headers in any form', async (t) => {
  const pods = await startPods(t, 4);
  const byPath = startAgent(t, pods, {
    policy: 'ring-hash',
    ringHash: { key: ({ path }) => path.split('?')[0] },
  });
  const found = new Set<string>();
  for (let n = 0; n < 10; n++) found.add(await ask(byPath, undefined, `/cart?n=${n}`));
  assert.equal(found.size, 1);

  const agent = startAgent(t, pods, options);
  const expected = await ask(agent, 'ann');
  for (const headers of [{ 'X-USER': 'ann' }, ['x-user', 'ann'], new Map([['x-user', 'ann']])]) {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
    assert.equal(await body.text(), expected);
  }
  const response = await fetch(ORIGIN, { dispatcher: agent, headers: { 'x-user': 'ann' } });
  assert.equal(await response.text(), expected);
  const builtIn = { dispatcher: agent, headers: { 'x-user': 'ann' } } as unknown as RequestInit;
  assert.equal(await (await globalThis.fetch(ORIGIN, builtIn)).text(), expected);
});

test('a key that is a number is that of its digits; of several values the first is the key', async (t) => {
  const pods = await startPods(t, 4);
  const agent = startAgent(t, pods, options);
  const homeOf = async (headers: Record<string, string | string[]> | string[]) => {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
    return body.text();
  };
  for (let user = 10; user < 20; user++) {
    const home = await homeOf({ 'x-user': `${user}` });
    // Not by its types, but undici takes it.
    assert.equal(await homeOf({ 'x-user': user as unknown as string }), home);
    assert.equal(await homeOf({ 'x-user': [`${user}`, 'other'] }), home);
    assert.equal(await homeOf(['x-user', `${user}`, 'x-user', 'other']), home);
  }
});

test('empty keys are none: requests that have them are spread', async (t) => {
  const pods = await startPods(t, 4);
  const agent = startAgent(t, pods, options);
  for (let n = 0; n < 200; n++) await ask(agent, '');
  for (const { requests } of pods) assert.ok(requests > 40, String(pods.map((pod) => pod.requests)));
});

test('a request without a key goes to the least loaded pod', async (t) => {
  const pods = await startPods(t, 4);
  const agent = startAgent(t, pods, options);
  for (let n = 0; n < 200; n++) await ask(agent, undefined);
  for (const { requests } of pods) assert.ok(requests > 40, String(pods.map((pod) => pod.requests)));
});

test('what a key function throws is the error of the request, and of no other', async (t) => {
  const pods = await startPods(t, 2);
  const problem = new Error('no key');
  const agent = startAgent(t, pods, {
    policy: 'ring-hash',
    ringHash: {
      key: ({ path }) => {
        if (path === '/bad') throw problem;
        return path;
      },
    },
  });
  await assert.rejects(ask(agent, undefined, '/bad'), problem);
  await ask(agent, undefined, '/good');
  assert.equal(agent.stats[ORIGIN]!.running + agent.stats[ORIGIN]!.queued, 0);
});

test('a request waits for its pod, in the context of its caller, though others are free', async (t) => {
  const pods = await startPods(t, 3);
  const ringHash = { ...options.ringHash, balanceFactor: 0 };
  const agent = startAgent(t, pods, { ...options, ringHash, connections: 1 });
  const home = await ask(agent, 'ann');
  const pod = pods.find(({ address }) => address === home)!;
  const storage = new AsyncLocalStorage<string>();
  const slow = ask(agent, 'ann', '/slow');
  await pod.received('/slow');
  const context = storage.run('ann', async () => [await ask(agent, 'ann'), storage.getStore()]);
  await settle();
  assert.equal(agent.stats[ORIGIN]!.queued, 1);
  pod.release('/slow');
  assert.deepEqual(await context, [home, 'ann']);
  assert.equal(await slow, home);
});

test('above the bound a request goes on to the next pod; without one it doesn’t', async (t) => {
  for (const balanceFactor of [1.25, 0]) {
    const pods = await startPods(t, 4);
    const ringHash = { ...options.ringHash, balanceFactor };
    const agent = startAgent(t, pods, { ...options, ringHash });
    const held = Array.from({ length: 16 }, () => ask(agent, 'ann', '/slow'));
    while (pods.reduce((sum, { requests }) => sum + requests, 0) < 16) await settle();
    const loads = pods.map(({ requests }) => requests).sort((a, b) => a - b);
    if (balanceFactor === 0) assert.deepEqual(loads, [0, 0, 0, 16]);
    // 1.25 times 4 on any pod.
    else assert.ok(loads[3]! <= 5, String(loads));
    for (const pod of pods) pod.release('/slow');
    await Promise.all(held);
  }
});

test('keys of a pod that refuses connections go on to others, and return when it listens again', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, options);
  const before = await homes(agent);
  const gone = pods[0]!;
  await gone.kill();
  for (const [user, pod] of await homes(agent)) {
    if (before.get(user) === gone.address) assert.notEqual(pod, gone.address);
    else assert.equal(pod, before.get(user));
  }
  await gone.listen(gone.address, gone.port);
  while ((await ask(agent, [...before].find(([, pod]) => pod === gone.address)![0])) !== gone.address) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test('where no pod can be reached, requests with a key fail with the reason, and leave nothing', async (t) => {
  const pods = await startPods(t, 2);
  await Promise.all(pods.map((pod: Pod) => pod.kill()));
  const agent = startAgent(t, pods, options);
  const asked = await Promise.allSettled(USERS.map((user) => ask(agent, user)));
  for (const { status, ...rest } of asked) {
    assert.equal(status, 'rejected');
    assert.equal((rest as PromiseRejectedResult).reason.code, 'ECONNREFUSED');
  }
  assert.equal(agent.stats[ORIGIN]!.queued, 0);
});

test('a request with a key that is aborted while it waits leaves nothing behind', async (t) => {
  const pods = await startPods(t, 2);
  const ringHash = { ...options.ringHash, balanceFactor: 0 };
  const agent = startAgent(t, pods, { ...options, ringHash, connections: 1 });
  const slow = ask(agent, 'ann', '/slow');
  while (pods.every(({ requests }) => requests === 0)) await settle();
  const abort = new AbortController();
  const waits = agent.request({
    origin: ORIGIN,
    path: '/',
    method: 'GET',
    headers: { 'x-user': 'ann' },
    signal: abort.signal,
  });
  await settle();
  assert.equal(agent.stats[ORIGIN]!.queued, 1);
  abort.abort();
  await assert.rejects(waits, { name: 'AbortError' });
  assert.equal(agent.stats[ORIGIN]!.queued, 0);
  for (const pod of pods) pod.release('/slow');
  await slow;
});

/** An agent that has a key's pod busy, which takes no more connections: it is about to end. */
async function withClosing(t: TestContext, pods: Pod[]) {
  const connect = buildConnector({});
  let dials = 0;
  const agent = startAgent(t, pods, {
    ...options,
    connect: (params, callback) => {
      dials++;
      connect(params, callback);
    },
  });
  const home = await ask(agent, 'ann');
  const closing = pods.find(({ address }) => address === home)!;
  const slow = ask(agent, 'ann', '/slow');
  await closing.received('/slow');
  closing.server.close();
  const before = dials;
  return { agent, closing, slow, dials: () => dials - before };
}

test('a pod that is busy and takes no more connections keeps no key to itself', async (t) => {
  const { agent, closing, slow, dials } = await withClosing(t, await startPods(t, 3));
  const found = new Set<string>();
  for (let n = 0; n < 10; n++) found.add(await ask(agent, 'ann'));
  assert.equal(found.size, 1);
  assert.ok(!found.has(closing.address));
  closing.release('/slow');
  assert.equal(await slow, closing.address);
  assert.ok(dials() <= 6, String(dials()));
});

test('it is not dialled over and over where there is no other', async (t) => {
  const { agent, closing, slow, dials } = await withClosing(t, await startPods(t, 1));
  const others = Promise.allSettled(Array.from({ length: 3 }, () => ask(agent, 'ann')));
  await delay(100);
  assert.ok(dials() <= 6, String(dials()));
  closing.release('/slow');
  assert.equal(await slow, closing.address);
  // As with undici's own agent, whose new connections are refused as well.
  for (const { status } of await others) assert.equal(status, 'rejected');
});
