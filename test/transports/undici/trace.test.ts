import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, ManualResolver, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { nextAddress, type Pod, startPod, startPods } from '../../support/pods.ts';

interface Traced {
  origin: string;
  path: string;
  method: string;
  headers: unknown[];
  completed: boolean;
  aborted: boolean;
  addHeader(name: string, value: string): unknown;
}

/** A tracer, which keeps what it knows of a request by the object it was told of. */
class Tracer {
  readonly told: unknown[] = [];
  readonly stores: unknown[] = [];
  readonly storage = new AsyncLocalStorage();
  #known = new WeakSet<object>();

  constructor(t: TestContext) {
    subscribe('undici:request:create', this.#onCreate);
    subscribe('undici:request:error', this.#onError);
    t.after(() => {
      unsubscribe('undici:request:create', this.#onCreate);
      unsubscribe('undici:request:error', this.#onError);
    });
  }

  /** What was told since this was asked before. */
  take(): unknown[] {
    return this.told.splice(0);
  }

  readonly #onCreate = (message: unknown): void => {
    const { request } = message as { request: Traced };
    const { path, method, headers, completed, aborted } = request;
    this.told.push({ create: { path, method, headers: [...headers], completed, aborted } });
    this.stores.push(this.storage.getStore());
    this.#known.add(request);
    request.addHeader('traceparent', '00-1-2-01');
  };

  readonly #onError = (message: unknown): void => {
    const { request, error } = message as { request: Traced; error: NodeJS.ErrnoException };
    assert.ok(this.#known.has(request));
    const { path, headers, completed, aborted } = request;
    this.told.push({ error: error.code ?? error.message, path, headers: [...headers], completed, aborted });
  };
}

const HEADERS = {
  accept: '*/*',
  Host: 'orders',
  'x-none': undefined,
  'x-null': null,
  'x-many': ['1', '2'],
  'x-five': 5,
};

async function fails(agent: Dispatcher, options: object): Promise<void> {
  const given = { path: '/orders', method: 'POST', query: { a: 1 }, body: 'b', headers: HEADERS, ...options };
  await assert.rejects(agent.request(given as never));
}

function startStock(t: TestContext): Agent {
  const stock = new Agent();
  t.after(() => stock.destroy());
  return stock;
}

test('tracers hear of a request that could not be connected what undici tells them', async (t) => {
  const tracer = new Tracer(t);
  const address = nextAddress();
  const origin = `http://${address}:9`;
  await fails(startStock(t), { origin });
  const expected = tracer.take();
  assert.equal(expected.length, 2);
  const agent = startAgent(t, [{ endpoint: { address, port: 9 } }]);
  await fails(agent, { origin });
  assert.deepEqual(tracer.take(), expected);
  const keyed = startAgent(t, [{ endpoint: { address, port: 9 } }], {
    policy: 'ring-hash',
    ringHash: { header: 'accept' },
  });
  await fails(keyed, { origin });
  assert.deepEqual(tracer.take(), expected);
});

/** Calls `fn` in the context of nobody. */
const outside = AsyncLocalStorage.snapshot();

const WAITS: Record<string, (agent: BalancedAgent, t: TestContext) => Promise<unknown>> = {
  'is aborted': (agent) => {
    const aborter = new AbortController();
    const failed = fails(agent, { origin: 'http://orders', signal: aborter.signal });
    outside(() => aborter.abort());
    return failed;
  },
  'loses its body': (agent) => {
    const body = new Readable({ read() {} });
    const failed = fails(agent, { origin: 'http://orders', body });
    outside(() => body.destroy(new Error('disk gone')));
    return failed;
  },
  'loses its agent': (agent) => {
    const failed = fails(agent, { origin: 'http://orders' });
    return Promise.all([failed, outside(() => agent.destroy())]);
  },
  'finds no room': async (agent) => {
    const first = fails(agent, { origin: 'http://orders' });
    const aborter = new AbortController();
    await fails(agent, { origin: 'http://orders' });
    aborter.abort();
    return Promise.all([agent.destroy(), first]);
  },
};

for (const [how, fail] of Object.entries(WAITS)) {
  test(`they hear once of a request that waits and ${how}, in the context of its caller`, async (t) => {
    const tracer = new Tracer(t);
    const agent = startAgent(t, [], { discovery: new ManualResolver().resolve, maxPendingRequests: 1 });
    const caller = {};
    await tracer.storage.run(caller, () => fail(agent, t));
    const told = tracer.take() as object[];
    const requests = how === 'finds no room' ? 2 : 1;
    assert.deepEqual(
      told.map((message) => Object.keys(message)[0]),
      Array.from({ length: requests }, () => ['create', 'error']).flat(),
    );
    for (const store of tracer.stores) assert.equal(store, caller);
  });
}

test('they hear in the context of its caller of a POST that waits until its connection is known to last', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { connections: 1 });
  const storage = new AsyncLocalStorage<number>();
  const stores: unknown[] = [];
  const onSend = () => stores.push(storage.getStore());
  subscribe('undici:client:sendHeaders', onSend);
  t.after(() => unsubscribe('undici:client:sendHeaders', onSend));
  const post = async () => {
    const { body } = await agent.request({ origin: 'http://orders', path: '/', method: 'POST', body: 'x' });
    await body.dump();
  };
  await Promise.all([1, 2, 3].map((caller) => storage.run(caller, post)));
  assert.deepEqual(stores, [1, 2, 3]);
});

test('they hear once of a request for which nobody was found in time', async (t) => {
  const tracer = new Tracer(t);
  const clock = new FakeClock();
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve, clock, endpointTimeout: 1_000 });
  const failed = fails(agent, { origin: 'http://orders' });
  clock.advance(2_000);
  await failed;
  assert.equal(tracer.take().length, 2);
});

test('they hear once of a request that waits for a turn of the event loop as its agent is destroyed', async (t) => {
  const tracer = new Tracer(t);
  const pod = await startPod(t);
  const origin = `http://${pod.address}:${pod.port}`;
  const told = async (agent: Dispatcher) => {
    await (await agent.request({ origin, path: '/', method: 'GET' })).body.dump();
    await delay(8);
    tracer.take();
    const failed = fails(agent, { origin });
    await Promise.all([agent.destroy(), failed]);
    return tracer.take();
  };
  const expected = await told(startStock(t));
  assert.equal(expected.length, 2);
  assert.deepEqual(await told(startAgent(t, [pod])), expected);
});

test('they hear of each attempt once, and no more when there is nobody left to try', async (t) => {
  const tracer = new Tracer(t);
  const pods = (await startPods(t, 2)) as [Pod, Pod];
  for (const pod of pods) pod.respond = (request) => void request.socket.resetAndDestroy();
  const agent = startAgent(t, pods);
  await fails(agent, { origin: 'http://orders', method: 'PUT' });
  const told = tracer.take() as object[];
  const attempts = pods[0].requests + pods[1].requests;
  assert.deepEqual(
    told.map((message) => Object.keys(message)[0]),
    Array.from({ length: attempts }, () => ['create', 'error']).flat(),
  );
});

test('they hear nothing of what undici would not have taken', async (t) => {
  const tracer = new Tracer(t);
  const pod = await startPod(t);
  const origin = `http://${pod.address}:${pod.port}`;
  const agent = startAgent(t, [pod]);
  for (const each of [startStock(t), agent]) {
    await fails(each, { origin, path: 'no slash' });
    await fails(each, { origin: 'nonsense' });
  }
  assert.deepEqual(tracer.take(), []);
  await get(agent, '/', origin);
  assert.equal(tracer.take().length, 1);
  await fails(agent, { origin, path: 'no slash' });
  await agent.close();
  await fails(agent, { origin });
  assert.deepEqual(tracer.take(), []);
});
