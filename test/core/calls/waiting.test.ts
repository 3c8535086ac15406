import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildConnector, interceptors } from 'undici';
import { type Clock, systemClock } from '../../../src/core/base/clock.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { nextAddress, settle, startPod } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

/** An address on which nobody listens. */
const refusing = () => ({ endpoint: { address: nextAddress(), port: 9 } });

test('a request that waits for discovery is served when the first set comes', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const waiting = get(agent);
  resolver.set([pod]);
  assert.equal(await waiting, pod.address);
});

test('with nothing known, an error of the resolver fails those that wait at once', async (t) => {
  const agent = startAgent(t, [], {
    discovery: async function* () {
      yield { error: Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }) };
    },
  });
  await assert.rejects(get(agent), { code: 'ENOTFOUND' });
});

test('a resolver that throws fails those that wait, and is asked again by the next request', async (t) => {
  const pod = await startPod(t);
  let calls = 0;
  const agent = startAgent(t, [], {
    discovery: async function* () {
      if (calls++ === 0) throw new Error('resolver broke');
      yield { endpoints: [pod.endpoint], source: 'test' };
    },
  });
  await assert.rejects(get(agent), { message: 'resolver broke' });
  assert.equal(await get(agent), pod.address);
});

for (const nonsense of [
  undefined,
  42,
  {},
  { endpoints: [{ address: 'not-an-ip', port: 80 }] },
  { endpoints: [{ address: '127.0.0.1', port: 0 }] },
]) {
  test(`a resolver that yields ${JSON.stringify(nonsense)} fails those that wait, and says what was wrong`, async (t) => {
    const agent = startAgent(t, [], {
      discovery: async function* () {
        yield nonsense as never;
      },
    });
    await assert.rejects(get(agent), { name: 'ResolverError', code: 'EVENKEEL_RESOLVER' });
  });
}

test('an error of the resolver leaves the last good set in use', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver([pod]);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await get(agent);
  resolver.say({ error: new Error('no answer') });
  while (agent.stats[ORIGIN]!.discovery.error === null) await get(agent);
  await get(agent);
});

test('time during which the process was stopped is nobody’s wait', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const clock = new FakeClock();
  const agent = startAgent(t, [], { discovery: resolver.resolve, endpointTimeout: '3s', clock });
  const nobody = startAgent(t, [], { discovery: new ManualResolver().resolve, endpointTimeout: '3s', clock });
  const served = get(agent);
  const failed = assert.rejects(get(nobody), { code: 'EVENKEEL_NO_ENDPOINTS' });
  clock.jump('1m');
  clock.advance(0);
  resolver.set([pod]);
  assert.equal(await served, pod.address);
  clock.advance('1s');
  await failed;
});

test('with no endpoint, a request fails after endpointTimeout and says what is known', async (t) => {
  const clock = new FakeClock();
  const resolver = new ManualResolver();
  resolver.say({ endpoints: [], source: 'test' });
  const agent = startAgent(t, [], { discovery: resolver.resolve, endpointTimeout: '3s', clock });
  const waiting = get(agent);
  clock.advance('2s');
  clock.advance('2s');
  await assert.rejects(waiting, {
    name: 'NoEndpointsError',
    code: 'EVENKEEL_NO_ENDPOINTS',
    message: 'no endpoint for http://orders.prod after 3000 ms (0 known)',
  });
});

test('a process that goes on after it was stopped has a moment for what waits', async (t) => {
  const clock = new FakeClock();
  const resolver = new ManualResolver();
  resolver.say({ endpoints: [], source: 'test' });
  const agent = startAgent(t, [], { discovery: resolver.resolve, endpointTimeout: '3s', clock });
  const waiting = get(agent);
  clock.advance('1s');
  clock.jump('1m');
  clock.advance('900ms');
  const pod = await startPod(t);
  resolver.set([pod]);
  assert.equal(await waiting, pod.address);
});

for (const [name, connectTimeout] of Object.entries({ 'above endpointTimeout': '20s', 'of 0': 0 })) {
  test(`with a connectTimeout ${name}, a first request waits as long as its dial, as with undici`, async (t) => {
    const clock = new FakeClock();
    const pod = await startPod(t);
    const dial = buildConnector({});
    let connected = () => {};
    const connect: buildConnector.connector = (params, callback) => {
      connected = () => dial(params, callback);
    };
    const agent = startAgent(t, [pod], { clock, connect, connectTimeout });
    const waiting = get(agent);
    await settle();
    for (let seconds = 0; seconds < 15; seconds++) {
      clock.advance('1s');
      await settle();
    }
    connected();
    assert.equal(await waiting, pod.address);
  });
}

for (const [name, stop] of Object.entries({
  'though another pod refuses, and no connection lasts': 0,
  'nor once this process goes on after it was stopped': 60_000,
})) {
  test(`a line that moves fails nobody in it, ${name}`, async (t) => {
    const clock = new FakeClock();
    const pod = await startPod(t);
    const dial = buildConnector({});
    const held: (() => void)[] = [];
    const connect: buildConnector.connector = (params, callback) => {
      if (params.hostname === pod.address) held.push(() => dial(params, callback));
      else dial(params, callback);
    };
    const agent = startAgent(t, [pod, refusing()], {
      clock,
      connect,
      connectTimeout: '5s',
      connections: 1,
      maxRequestsPerConnection: 1,
    });
    const waiting = Promise.all(Array.from({ length: 5 }, () => get(agent)));
    waiting.catch(() => {});
    for (let served = 0; served < 5; served++) {
      if (served === 4) clock.jump(stop);
      // Two seconds for each handshake: ten for the last one.
      for (let step = 0; step < 8; step++) {
        clock.advance('250ms');
        await settle();
      }
      while (pod.requests === served) {
        held.shift()?.();
        await Promise.race([waiting, delay(1)]);
      }
    }
    assert.deepEqual(new Set(await waiting), new Set([pod.address]));
  });
}

test('if every dial fails, a request fails at once, with the error of the dial', async (t) => {
  const agent = startAgent(t, [refusing(), refusing(), refusing()]);
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' }, 'and again, though the back-off is on');
});

test('a pod that refuses costs no request', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [refusing(), refusing(), pod, refusing()]);
  for (let n = 0; n < 50; n++) assert.equal(await get(agent), pod.address);
});

test('a pod that swallows dials delays a request by a fraction of connectTimeout', async (t) => {
  const pod = await startPod(t);
  const swallowing: EndpointAddress = { address: nextAddress(), port: 9 };
  const dial = buildConnector({});
  const agent = startAgent(t, [{ endpoint: swallowing }, pod], {
    // What a dropped SYN looks like from here.
    connect: (params, callback) => {
      if (params.hostname !== swallowing.address) dial(params, callback);
    },
  });
  const watch = startStopwatch();
  for (let n = 0; n < 10; n++) assert.equal(await get(agent), pod.address);
  assert.ok(watch() < 1_500);
});

test('a request that waits behind a dial is served by a connection that becomes free first', async (t) => {
  const pod = await startPod(t);
  const dial = buildConnector({});
  let dials = 0;
  const agent = startAgent(t, [pod], {
    // Only the first dial ever ends.
    connect: (params, callback) => {
      if (dials++ === 0) dial(params, callback);
    },
  });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  const waiting = get(agent);
  assert.equal(dials, 2);
  pod.release('/slow');
  await (await slow).body.dump();
  assert.equal(await waiting, pod.address);
});

test('a waiting request can be aborted, and leaves no trace', async (t) => {
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const controller = new AbortController();
  const waiting = agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal: controller.signal });
  assert.equal(agent.stats[ORIGIN]!.queued, 1);
  controller.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(agent.stats[ORIGIN]!.queued, 0);
});

test('a body that fails while its request waits fails the request', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const body = new Readable({ read() {} });
  const waiting = agent.request({ origin: ORIGIN, path: '/', method: 'POST', body });
  body.destroy(new Error('disk gone'));
  await assert.rejects(waiting, { message: 'disk gone' });
});

test('so does it behind an interceptor that takes the controller’s abort for itself', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve, clock: new FakeClock() });
  const body = new Readable({ read() {} });
  const { promise: failed, resolve: onResponseError } = Promise.withResolvers<Error>();
  agent.compose(interceptors.dump()).dispatch(
    { origin: ORIGIN, path: '/', method: 'POST', body },
    {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: () => {},
      onResponseEnd: () => {},
      onResponseError: (_controller, error) => onResponseError(error),
    },
  );
  body.destroy(new Error('disk gone'));
  assert.equal((await failed).message, 'disk gone');
  assert.equal(agent.stats[ORIGIN]!.queued, 0);
});

test('more requests than may wait are refused with the number', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve, maxPendingRequests: 2 });
  const waiting = [get(agent), get(agent)];
  await assert.rejects(get(agent), { name: 'QueueFullError', code: 'EVENKEEL_QUEUE_FULL' });
  await agent.destroy();
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected');
});

test('dispatch returns false when all connections are taken, and drain follows', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { connections: 1 });
  await get(agent);
  const drained = once(agent, 'drain');
  const done: Promise<void>[] = [];
  const dispatch = () =>
    new Promise<boolean>((resolveReturn) => {
      done.push(
        new Promise((resolve, reject) => {
          const more = agent.dispatch(
            { origin: ORIGIN, path: '/', method: 'GET' },
            {
              onRequestStart() {},
              onResponseStart() {},
              onResponseData() {},
              onResponseEnd: () => resolve(),
              onResponseError: (_controller, error) => reject(error),
            },
          );
          resolveReturn(more);
        }),
      );
    });
  assert.equal(await dispatch(), false);
  const [origin, targets] = (await drained) as [URL, unknown[]];
  assert.equal(origin.origin, ORIGIN);
  assert.deepEqual(targets, [agent]);
  await Promise.all(done);
});

test('without a limit dispatch returns true', async (t) => {
  const pod = await startPod(t);
  const agent = new BalancedAgent({ discovery: new ManualResolver([pod]).resolve });
  t.after(() => agent.close());
  for (let n = 0; n < 3; n++) {
    await new Promise<void>((resolve, reject) => {
      const more = agent.dispatch(
        { origin: ORIGIN, path: '/', method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      );
      assert.equal(more, true);
    });
  }
});

test("undici's retry waits for the pods of a Service that has none, if it knows the code", async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  resolver.set([]);
  const agent = startAgent(t, [], { discovery: resolver.resolve, endpointTimeout: 1 });
  const errorCodes = ['EVENKEEL_NO_ENDPOINTS'];
  const retrying = agent.compose(
    interceptors.retry({ errorCodes, minTimeout: 1, maxTimeout: 5, maxRetries: 10_000 }),
  );
  const never = agent.compose(interceptors.retry({ minTimeout: 1 }));
  const request = { origin: ORIGIN, path: '/', method: 'GET' } as const;
  await assert.rejects(never.request(request), { code: 'EVENKEEL_NO_ENDPOINTS' });
  const served = retrying.request(request);
  // By then, the first attempt has failed.
  await assert.rejects(never.request(request), { code: 'EVENKEEL_NO_ENDPOINTS' });
  resolver.set([pod]);
  const { body } = await served;
  assert.equal(await body.text(), pod.address);
});

/** The system's clock, which counts the timers that keep the process alive. */
function watchedClock(): Clock & { readonly keeping: number } {
  const keeping = new Set<object>();
  return {
    now: systemClock.now,
    schedule(callback, delay, ref = false) {
      const fire = () => {
        keeping.delete(timer);
        callback();
      };
      const inner = systemClock.schedule(fire, delay, ref);
      const timer = {
        cancel() {
          keeping.delete(timer);
          inner.cancel();
        },
        keepAlive(alive: boolean) {
          if (alive) keeping.add(timer);
          else keeping.delete(timer);
          inner.keepAlive!(alive);
        },
      };
      if (ref) keeping.add(timer);
      return timer;
    },
    get keeping() {
      return keeping.size;
    },
  };
}

test('a timer keeps the process alive as long as a request waits, and no longer', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const clock = watchedClock();
  const agent = startAgent(t, [], { discovery: resolver.resolve, clock });
  const controller = new AbortController();
  const aborted = agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal: controller.signal });
  assert.equal(clock.keeping, 1);
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  assert.equal(clock.keeping, 0);

  // The timer stands already.
  const served = get(agent);
  assert.equal(clock.keeping, 1);
  resolver.set([pod]);
  await served;
  assert.equal(clock.keeping, 0);
});

test('no timer keeps the process alive when the last waiting request has failed', async (t) => {
  const clock = watchedClock();
  const agent = startAgent(t, [refusing()], { clock });
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
  assert.equal(clock.keeping, 0);
});
