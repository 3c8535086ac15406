import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildConnector } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { type Pod, startPod, startPods } from '../support/pods.ts';

const storage = new AsyncLocalStorage<object>();

test('resolvers and dials run in no request’s async context', async (t) => {
  const pod = await startPod(t);
  const seen: unknown[] = [];
  const dial = buildConnector({});
  const agent = startAgent(t, [], {
    discovery: async function* () {
      seen.push(storage.getStore());
      yield { endpoints: [pod.endpoint], source: 'test' };
    },
    connect: (params, callback) => {
      seen.push(storage.getStore());
      return dial(params, callback);
    },
  });
  await storage.run({}, () => get(agent));
  assert.deepEqual(seen, [undefined, undefined]);
});

test('nothing that lives on keeps the async context of the first request', async (t) => {
  const pods = await startPods(t, 3);
  // undici has a timer of its own, which whoever comes first starts.
  await get(startAgent(t, pods));
  const agent = startAgent(t, pods, { maxConnectionDuration: '1h' });
  const store = await firstRequest(agent);
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 20 && store.deref() !== undefined; turn++) {
    await get(agent);
    await setImmediate();
    gc();
  }
  assert.equal(agent.stats[ORIGIN]!.connected > 0, true);
  assert.equal(store.deref(), undefined);
});

test('a request that waited is sent in the async context of its caller', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const seen: unknown[] = [];
  // Where tracers begin their spans.
  const onCreate = () => seen.push(storage.getStore());
  subscribe('undici:request:create', onCreate);
  t.after(() => unsubscribe('undici:request:create', onCreate));
  const caller = {};
  const answered = storage.run(caller, () => get(agent));
  resolver.set([pod]);
  await answered;
  assert.deepEqual(seen, [caller]);
  assert.equal(seen[0], caller);
});

test('so is one that is sent again', async (t) => {
  const [bad, good] = (await startPods(t, 2)) as [Pod, Pod];
  bad.respond = (request) => void request.socket.resetAndDestroy();
  const agent = startAgent(t, [bad, good], { policy: 'round-robin' });
  const seen: unknown[] = [];
  const onCreate = () => seen.push(storage.getStore());
  subscribe('undici:request:create', onCreate);
  t.after(() => unsubscribe('undici:request:create', onCreate));
  const caller = {};
  while (bad.requests === 0) await storage.run(caller, () => get(agent));
  assert.ok(seen.length > good.requests);
  for (const store of seen) assert.equal(store, caller);
});

/** In a function of its own, so that its stack keeps nothing. */
async function firstRequest(agent: BalancedAgent): Promise<WeakRef<object>> {
  const store = {};
  await storage.run(store, async () => {
    await Promise.all([get(agent), get(agent)]);
  });
  return new WeakRef(store);
}
