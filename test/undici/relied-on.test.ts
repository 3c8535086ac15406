import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createRawServer, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  Agent,
  buildConnector,
  Client,
  type Dispatcher,
  Dispatcher1Wrapper,
  EnvHttpProxyAgent,
  errors,
  getGlobalDispatcher,
} from 'undici';
import { isBridge, isComposed, oddity } from '../../src/transports/undici/global/claims.ts';
import {
  DEFAULTS,
  informationalError,
  isBadResponse,
  isOfSession,
  isOwnDisconnect,
  isUnwritten,
  isUpgrade,
  LEGACY_GLOBAL,
  MODERN_GLOBAL,
  member,
  NO_PINGS,
  sessionOf,
  webOptionsOf,
} from '../../src/transports/undici/undici.ts';
import { answer, startH2Pod } from '../support/h2-pod.ts';
import { startPod } from '../support/pods.ts';

// One test for each thing that src/transports/undici/undici.ts says is relied on, each named after it. Where one fails with a newer
// undici, what uses that has to be looked at.

const GET = { path: '/', method: 'GET' } as const;

interface Wired {
  client: Client;
  /** The sockets that its connector has yielded. */
  sockets: Socket[];
}

/** A Client on sockets that are known; with options for the Client, and for its connector. */
function start(
  t: TestContext,
  { address, port }: { address: string; port: number },
  options: Client.Options = {},
  build: object = {},
): Wired {
  const dial = buildConnector(build);
  const sockets: Socket[] = [];
  const client = new Client(`http://${address}:${port}`, {
    ...options,
    connect: (params, callback) =>
      dial(params, (error, socket) => {
        if (socket) sockets.push(socket);
        callback(...([error, socket] as Parameters<buildConnector.Callback>));
      }),
  });
  t.after(async () => {
    await client.destroy();
    for (const socket of sockets) socket.destroy();
  });
  return { client, sockets };
}

/** A handler of which only some of the calls matter. */
function handler(calls: Dispatcher.DispatchHandler, ended?: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd: () => ended?.(),
    onResponseError: () => ended?.(),
    ...calls,
  };
}

async function get(client: Client): Promise<void> {
  await (await client.request(GET)).body.dump();
}

test('the global dispatchers are kept under two symbols of the registry', () => {
  const globals = globalThis as { [MODERN_GLOBAL]?: Dispatcher; [LEGACY_GLOBAL]?: Dispatcher };
  assert.equal(globals[MODERN_GLOBAL], getGlobalDispatcher(), 'the one of undici 8');
  assert.equal(typeof globals[LEGACY_GLOBAL]?.dispatch, 'function', 'the one for older callers');
});

test('the defaults of a Client, and of its connector, are those that are assumed', async (t) => {
  const client = new Client('http://127.0.0.1:9');
  assert.equal(member(client, 'default keep alive timeout'), DEFAULTS.keepAliveTimeout);
  assert.equal(member(client, 'keep alive timeout threshold'), DEFAULTS.keepAliveTimeoutThreshold);
  assert.equal(member(client, 'max keep alive timeout'), DEFAULTS.keepAliveMaxTimeout);
  const h2 = member(client, 'http2 options') as { pingInterval: number };
  assert.equal(h2.pingInterval, DEFAULTS.pingInterval);
  const pod = await startPod(t);
  const setKeepAlive = t.mock.method(Socket.prototype, 'setKeepAlive');
  await get(start(t, pod).client);
  assert.deepEqual(setKeepAlive.mock.calls[0]?.arguments, [true, DEFAULTS.keepAliveInitialDelay]);
});

test('a buildConnector function returns the socket, connected or not', async (t) => {
  const pod = await startPod(t);
  const dial = buildConnector({}) as unknown as (...given: Parameters<buildConnector.connector>) => unknown;
  const { promise, resolve } = Promise.withResolvers<Socket | null>();
  const params = {
    hostname: pod.address,
    port: String(pod.port),
    protocol: 'http:',
  } as buildConnector.Options;
  const returned = dial(params, (_error, socket) => resolve(socket));
  const socket = await promise;
  socket?.destroy();
  assert.ok(returned instanceof Socket);
  assert.equal(returned, socket);
});

test('a Client says disconnect of an upgrade, whose socket lives on', async (t) => {
  const server = createRawServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { client, sockets } = start(t, server.address() as AddressInfo);
  const disconnected = once(client, 'disconnect');
  const { socket } = await client.upgrade({ path: '/', protocol: 'x' });
  const [, , error] = await disconnected;
  assert.ok(isUpgrade(error), `${error.message}`);
  assert.equal(sockets[0]?.destroyed, false);
  assert.equal(socket, sockets[0]);
});

test('what a Client says of a connection tells its own end of an idle one from the peer’s', async (t) => {
  const pod = await startPod(t);
  const idle = start(t, pod, { keepAliveTimeout: 1 });
  const idled = once(idle.client, 'disconnect');
  await get(idle.client);
  assert.ok(isOwnDisconnect((await idled)[2]), 'idle for too long');
  const cut = start(t, pod);
  const ended = once(cut.client, 'disconnect');
  await get(cut.client);
  for (const socket of pod.sockets) socket.destroy();
  assert.ok(!isOwnDisconnect((await ended)[2]), 'closed by the peer');
});

test('a Client ends its connection for bytes without a request, which it reads in the sight of listeners of data', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const pod = createRawServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.write(answer + answer));
  }).listen(0, '127.0.0.1');
  t.after(() => pod.close());
  await once(pod, 'listening');
  const { client, sockets } = start(t, pod.address() as AddressInfo);
  const heard: { chunk: string; running: number }[] = [];
  client.once('connect', () => {
    sockets[0]!.on('data', (chunk) => heard.push({ chunk: `${chunk}`, running: client.stats.running }));
  });
  const disconnected = once(client, 'disconnect');
  await client.request(GET);
  // The caller is told only when it is known on the socket.
  assert.ok(isBadResponse(sockets[0]!.errored!), `${sockets[0]!.errored}`);
  assert.ok(isBadResponse((await disconnected)[2]));
  assert.deepEqual(heard, [{ chunk: answer + answer, running: 1 }]);
});

test('a request of which nothing was written fails without a controller, with the connector’s error, once', async () => {
  let dials = 0;
  const client = new Client('http://127.0.0.1:9', {
    connect: (_params, callback) => {
      dials++;
      queueMicrotask(() => callback(Object.assign(new Error('gone'), { code: 'MINE' }), null));
    },
  });
  const [controller, error, started] = await new Promise<[unknown, Error, boolean]>((resolve) => {
    let started = false;
    const calls: Dispatcher.DispatchHandler = {
      onRequestStart: () => {
        started = true;
      },
      onResponseError: (controller, error) => resolve([controller, error, started]),
    };
    client.dispatch(GET, handler(calls));
  });
  await new Promise(setImmediate);
  assert.ok(isUnwritten(controller as undefined), 'a controller is given only after onRequestStart');
  assert.equal(started, false);
  assert.equal(error.message, 'gone');
  assert.equal(dials, 1, 'a code that is not undici’s own is final');
  await client.destroy();
});

test('an HTTP/1.1 Client calls itself busy even when idle', async (t) => {
  const pod = await startPod(t);
  const { client } = start(t, pod);
  await get(client);
  await new Promise<void>((resolve) => {
    assert.equal(client.dispatch(GET, handler({}, resolve)), false);
  });
});

test('an HTTP/2 Client calls itself busy until SETTINGS have come, says drain then, and is not busy after it', async (t) => {
  const pod = await startH2Pod(t);
  const { client } = start(t, pod.endpoint, {}, { useH2c: true });
  const drained = once(client, 'drain');
  const ask = (): Promise<boolean> =>
    new Promise((resolve) => {
      const more: boolean = client.dispatch(
        GET,
        handler({}, () => resolve(more)),
      );
    });
  assert.equal(await ask(), false);
  await drained;
  assert.equal(await ask(), true);
});

test('an HTTP/2 Client whose peer takes fewer streams than it has says drain when there is room again', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pod = await startH2Pod(t, (stream) => held.push(stream));
  const { client } = start(t, pod.endpoint, {}, { useH2c: true });
  const over = [0, 1].map(
    () => new Promise<void>((resolve) => void client.dispatch(GET, handler({}, resolve))),
  );
  while (held.length < 2) await new Promise(setImmediate);
  pod.sessions[0]!.settings({ maxConcurrentStreams: 1 });
  await once(pod.sessions[0]!, 'localSettings');
  assert.equal(client.stats.size, 2);
  const drained = once(client, 'drain');
  for (const stream of held) answer(stream, {}, 0);
  await Promise.all([...over, drained]);
});

test('a response is over for the caller before its socket’s fate is settled, which is so in a microtask', async (t) => {
  const server = createRawServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
    );
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { client, sockets } = start(t, server.address() as AddressInfo);
  const destroyed = await new Promise<(boolean | undefined)[]>((resolve) => {
    const seen: (boolean | undefined)[] = [];
    const calls: Dispatcher.DispatchHandler = {
      onResponseEnd: () => {
        seen.push(sockets[0]?.destroyed);
        queueMicrotask(() => resolve([...seen, sockets[0]?.destroyed]));
      },
    };
    client.dispatch(GET, handler(calls));
  });
  assert.deepEqual(destroyed, [false, true]);
});

test('a connection that is used again has its request written by the global setImmediate', async (t) => {
  const pod = await startPod(t);
  const { client } = start(t, pod);
  await get(client);
  const setImmediate = t.mock.method(globalThis, 'setImmediate');
  const ended = get(client);
  assert.ok(setImmediate.mock.callCount() > 0);
  await ended;
});

test('onResponseStarted is called at the first byte, though the types don’t know it', async (t) => {
  const pods = [await startPod(t), (await startH2Pod(t)).endpoint];
  for (const [index, pod] of pods.entries()) {
    const { client } = start(t, pod, {}, { useH2c: index === 1 });
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const calls = {
        onResponseStarted: () => void order.push('started'),
        onResponseStart: () => void order.push('start'),
      };
      client.dispatch(GET, handler(calls as Dispatcher.DispatchHandler, resolve));
    });
    assert.deepEqual(order, ['started', 'start']);
  }
});

test('the session of a Client is found on its socket at connect, and opens each stream right after onRequestStart', async (t) => {
  const pod = await startH2Pod(t);
  const { client, sockets } = start(t, pod.endpoint, {}, { useH2c: true });
  const order: string[] = [];
  client.once('connect', () => {
    const session = sessionOf(sockets[0]!);
    assert.equal(typeof session?.ping, 'function', 'no session under its symbol');
    const open = session!.request;
    session!.request = (...given) => {
      order.push('opened');
      return open.apply(session, given);
    };
  });
  await new Promise<void>((resolve) => {
    const onRequestStart = () => {
      order.push('start');
      queueMicrotask(() => order.push('later'));
    };
    client.dispatch(GET, handler({ onRequestStart }, resolve));
  });
  assert.deepEqual(order, ['start', 'opened', 'later']);
});

test('a Client has a request back that its session takes no stream for, and dials for it', async (t) => {
  const pod = await startH2Pod(t);
  for (const code of ['ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_GOAWAY_SESSION']) {
    const { client, sockets } = start(t, pod.endpoint, {}, { useH2c: true });
    client.once('connect', () => {
      sessionOf(sockets[0]!)!.request = () => {
        const error = Object.assign(new Error('no more'), { code });
        assert.ok(isOfSession(error));
        throw error;
      };
    });
    await get(client);
    assert.equal(sockets.length, 2, code);
  }
});

test('a Client lets go of a session after a GOAWAY with its socket alive, and destroying it ends no stream', async (t) => {
  const pod = await startH2Pod(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.session?.goaway(0);
    setImmediate(() => stream.end('ok'));
  });
  const { client, sockets } = start(t, pod.endpoint, {}, { useH2c: true });
  const outcomes: (boolean | undefined)[] = [];
  client.on('disconnect', (_origin, _targets, error) => {
    outcomes.push(sockets[0]?.destroyed);
    client.destroy(error, () => {});
  });
  const { body } = await client.request(GET);
  assert.equal(await body.text(), 'ok');
  assert.deepEqual(outcomes, [false]);
});

test('a Client with a PING interval of 0 sends none, and one that has an interval says ping', async (t) => {
  const pod = await startH2Pod(t);
  const silent = start(t, pod.endpoint, { h2Options: { ...NO_PINGS } }, { useH2c: true });
  const pings = t.mock.fn();
  silent.client.on('ping' as 'connect', pings);
  await get(silent.client);
  const pinging = start(t, pod.endpoint, { h2Options: { pingInterval: 20 } }, { useH2c: true });
  const pinged = once(pinging.client, 'ping');
  await get(pinging.client);
  await pinged;
  await once(pinging.client, 'ping');
  assert.equal(pings.mock.callCount(), 0);
});

test('an InformationalError keeps its cause', () => {
  const cause = new TypeError('bad header');
  const error = informationalError(errors.InformationalError, cause);
  assert.equal(error.code, 'UND_ERR_INFO');
  assert.equal(error.message, 'bad header');
  assert.equal(error.cause, cause);
});

test('an Agent has options for WebSocket and EventSource, which a wrapper for older callers reads each time', async (t) => {
  const agent = new Agent({ webSocket: { maxPayloadSize: 7 } });
  t.after(() => agent.close());
  assert.equal(webOptionsOf(agent).webSocketOptions.maxPayloadSize, 7);
  assert.equal(typeof webOptionsOf(agent).eventSourceOptions, 'object');
  let reads = 0;
  Object.defineProperty(agent, 'webSocketOptions', { get: () => ++reads });
  const wrapper = new Dispatcher1Wrapper(agent);
  const before = reads;
  void webOptionsOf(wrapper).webSocketOptions;
  void webOptionsOf(wrapper).webSocketOptions;
  assert.equal(reads, before + 2);
});

test('what an agent was given, and sends through, stands under symbols', async (t) => {
  const agent = new Agent({ connections: 3 });
  t.after(() => agent.close());
  assert.equal((member(agent, 'options') as { connections: number }).connections, 3);
  assert.equal((member(agent, 'factory') as { name: string }).name, 'defaultFactory');
  const proxy = new EnvHttpProxyAgent({ httpProxy: 'http://127.0.0.1:9', httpsProxy: '', noProxy: '' });
  t.after(() => proxy.close());
  assert.equal(member(proxy, 'no proxy agent')?.constructor.name, 'Agent');
  assert.equal(member(proxy, 'http proxy agent')?.constructor.name, 'ProxyAgent');
  assert.ok(member(proxy, 'https proxy agent'));
});

test('plain Agents, wrappers, proxy agents and composed ones are told by their classes', async (t) => {
  const agent = new Agent();
  const proxy = new EnvHttpProxyAgent({ httpProxy: 'http://127.0.0.1:9', httpsProxy: '', noProxy: '' });
  const composed = agent.compose((dispatch) => dispatch);
  t.after(() => Promise.all([agent.close(), proxy.close()]));
  assert.equal(oddity(agent), undefined);
  assert.equal(oddity(proxy), undefined);
  assert.ok(isBridge(new Dispatcher1Wrapper(agent)));
  assert.ok(isComposed(composed) && !isComposed(agent));
  assert.equal(oddity(composed), 'an Agent with interceptors');
});
