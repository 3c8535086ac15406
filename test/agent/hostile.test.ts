import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { buildConnector, type Dispatcher } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { nextAddress, type Pod, settle, startPod, startPods } from '../support/pods.ts';

const refusing = () => ({ endpoint: { address: nextAddress(), port: 9 } });

/** Dials first, and hands the connected socket over as the test wants it. */
function connectorThat(
  hand: (callback: buildConnector.Callback, socket: Parameters<buildConnector.Callback>[1]) => void,
) {
  const dial = buildConnector({});
  return ((params, callback) => {
    dial(params, (error, socket) => (error ? callback(error, null) : hand(callback, socket)));
  }) as buildConnector.connector;
}

test('a connector that calls back twice with one socket is heard once', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], {
    connect: connectorThat((callback, socket) => {
      callback(null, socket!);
      callback(null, socket!);
    }),
  });
  await load(agent, 10, 2);
  assert.ok(pod.connections.length <= 3);
});

test('a connector that calls back at once, with an error, fails the request with that', async (t) => {
  const agent = startAgent(t, [refusing()], {
    connect: (_params, callback) => callback(new Error('no way'), null),
  });
  await assert.rejects(get(agent), { message: 'no way' });
});

test('a connector that throws, or gives nothing, fails the request', async (t) => {
  const throwing = startAgent(t, [refusing()], {
    connect: () => {
      throw new Error('thrown');
    },
  });
  await assert.rejects(get(throwing), { message: 'thrown' });
  const mute = startAgent(t, [refusing()], { connect: (_params, callback) => callback(null as never, null) });
  await assert.rejects(get(mute), { message: 'the connector gave no socket' });
});

test('a request for a busy pod that refuses more connections fails at once', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { clock: new FakeClock() });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  pod.server.close();
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
  pod.release('/slow');
  await (await slow).body.dump();
});

test('a request for a busy pod to which dials get lost waits for its connection', async (t) => {
  const pod = await startPod(t);
  const dial = buildConnector({});
  const clock = new FakeClock();
  let lost = false;
  const agent = startAgent(t, [pod], {
    connectTimeout: '3s',
    endpointTimeout: '5s',
    clock,
    connect: (params, callback) => {
      if (!lost) dial(params, callback);
    },
  });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  lost = true;
  const waiting = [get(agent), get(agent)];
  const outcomes = Promise.allSettled(waiting);
  const failed = once(agent, 'connectionError');
  clock.advance('3s');
  await failed;
  pod.release('/slow');
  await (await slow).body.dump();
  for (const { status } of await outcomes) assert.equal(status, 'fulfilled');
});

test('a resolver that never waits lets all else go on', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [], {
    discovery: async function* (_target, signal) {
      while (!signal.aborted) yield { endpoints: [pod.endpoint], source: 'eager' };
    },
  });
  await load(agent, 20, 4);
});

test('a caller who asks again at once when a resolver throws keeps nobody from going on', async (t) => {
  let calls = 0;
  const agent = startAgent(t, [], {
    discovery: () => {
      calls++;
      throw new Error('broken');
    },
  });
  let stopped = false;
  const again = () => {
    if (!stopped) dispatch(agent, { onResponseError: again });
  };
  again();
  do await new Promise((resolve) => setTimeout(resolve, 50));
  while (calls < 2);
  stopped = true;
});

test('drain follows a false return, though the request has failed', async (t) => {
  const agent = startAgent(t, [refusing()], { connections: 1 });
  const drained = once(agent, 'drain');
  const more = dispatch(agent, {});
  if (more) assert.equal(more, true);
  else await drained;
  const hanging = startAgent(t, [], {
    discovery: new ManualResolver().resolve,
    maxPendingRequests: 1,
    endpointTimeout: 300,
  });
  const after = once(hanging, 'drain');
  assert.equal(dispatch(hanging, {}), false);
  await after;
});

test('an upgrade that waits for an endpoint that leaves goes to another', async (t) => {
  const pod = await startPod(t);
  pod.server.on('upgrade', (_request, socket) => {
    socket
      .on('error', () => {})
      .end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  });
  const stuck = refusing();
  const dial = buildConnector({});
  const resolver = new ManualResolver([stuck]);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    connect: (params, callback) => {
      if (params.hostname === pod.address) dial(params, callback);
    },
  });
  const options = { origin: ORIGIN, path: '/', protocol: 'echo' } as Dispatcher.UpgradeOptions;
  const upgraded = agent.upgrade(options) as Promise<Dispatcher.UpgradeData>;
  while (agent.stats[ORIGIN]!.endpoints.length === 0) await new Promise(setImmediate);
  resolver.set([pod]);
  (await upgraded).socket.destroy();
});

test('an error after a withdrawal lets nothing be dialled', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver([pod]);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    endpointTimeout: 300,
    keepAliveTimeout: 1_000,
  });
  await get(agent);
  resolver.set([pod], { withdrawn: true });
  await get(agent);
  resolver.say({ error: new Error('no answer') });
  while (agent.stats[ORIGIN]!.discovery.error === null) await get(agent);
  const { length } = pod.connections;
  for (const socket of pod.sockets) socket.destroy();
  await pod.allClosed();
  await assert.rejects(get(agent), { code: 'EVENKEEL_NO_ENDPOINTS' });
  assert.equal(pod.connections.length, length);
});

test('a handler that throws when told of a failure keeps nobody from being told', async (t) => {
  const thrown = interceptUncaught(t);
  const agent = startAgent(t, [], {
    discovery: async function* () {
      await new Promise((resolve) => setTimeout(resolve, 10));
      yield { error: new Error('unknown') };
    },
  });
  const told: number[] = [];
  await Promise.all(
    [0, 1, 2, 3].map(
      (n) =>
        new Promise<void>((resolve) => {
          dispatch(agent, {
            onResponseError() {
              told.push(n);
              resolve();
              if (n === 1) throw new Error('handler broke');
            },
          });
        }),
    ),
  );
  assert.deepEqual(told, [0, 1, 2, 3]);
  await new Promise(setImmediate);
  assert.deepEqual(thrown, ['handler broke']);
});

test('a resolver that ends without a word fails those that wait at once', async (t) => {
  const agent = startAgent(t, [], { discovery: async function* () {} });
  await assert.rejects(get(agent), { code: 'EVENKEEL_RESOLVER' });
  await assert.rejects(get(agent), { code: 'EVENKEEL_RESOLVER' });
});

test('headers that throw cost one connection at most', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  await get(agent);
  const headers = {
    get 'x-bad'(): string {
      throw new Error('getter');
    },
  };
  for (let n = 0; n < 5; n++) {
    await assert.rejects(agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers }), {
      message: 'getter',
    });
  }
  await get(agent);
  assert.ok(pod.connections.length <= 2, String(pod.connections.length));
});

test('headers that can be read once arrive', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => void response.end(request.headers['x-once']);
  const agent = startAgent(t, [pod]);
  for (let n = 0; n < 3; n++) {
    const headers = new Map([['x-once', `value ${n}`]]).entries();
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
    assert.equal(await body.text(), `value ${n}`);
  }
});

test('upgrades are bounded by maxPendingRequests too', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve, maxPendingRequests: 2 });
  const options = { origin: ORIGIN, path: '/', protocol: 'echo' } as Dispatcher.UpgradeOptions;
  const outcomes = Promise.allSettled(
    Array.from({ length: 5 }, () => agent.upgrade(options) as Promise<unknown>),
  );
  while (agent.stats[ORIGIN]!.queued < 2) await new Promise(setImmediate);
  assert.equal(agent.stats[ORIGIN]!.queued, 2);
  await agent.destroy();
  const codes = (await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
  assert.equal(codes.filter((code) => code === 'EVENKEEL_QUEUE_FULL').length, 3);
});

test('many endpoints that appear under load are not dialled at one moment', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const [{ port }] = pods as [Pod];
  const dial = buildConnector({});
  let dials = 0;
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    clock,
    connect: (params, callback) => {
      if (pods.some(({ address }) => address === params.hostname)) dial(params, callback);
      else dials++;
    },
  });
  await load(agent, 600, 4);
  const many = Array.from({ length: 100 }, (_, n) => ({ endpoint: { address: `127.99.0.${n + 1}`, port } }));
  resolver.set([...pods, ...many]);
  await settle();
  assert.ok(dials < 20, `${dials} at once`);
  clock.advance('400ms');
  assert.ok(dials < 80, `${dials} after 400 ms`);
  clock.advance('600ms');
  assert.ok(dials >= 80, `${dials} after a second`);
});

function dispatch(agent: BalancedAgent, handler: Dispatcher.DispatchHandler): boolean {
  return agent.dispatch(
    { origin: ORIGIN, path: '/', method: 'GET' },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {},
      onResponseError() {},
      ...handler,
    },
  );
}

/** Collects what would end the process. */
function interceptUncaught(t: TestContext): string[] {
  const thrown: string[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error: Error) => thrown.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  return thrown;
}
