import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Agent, type Dispatcher, errors } from 'undici';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { settle, startPod } from '../support/pods.ts';

const METHODS = {
  onRequestStart() {},
  onResponseStart() {},
  onResponseData() {},
  onResponseEnd() {},
};

test('stream and pipeline work', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => void request.pipe(response);
  const agent = startAgent(t, [pod]);
  const { PassThrough } = await import('node:stream');
  const sink = new PassThrough();
  await agent.stream({ origin: ORIGIN, path: '/', method: 'POST', body: 'streamed' }, () => sink);
  assert.equal(String(sink.read()), 'streamed');
  const echo = agent.pipeline({ origin: ORIGIN, path: '/', method: 'POST' }, ({ body }) => body);
  echo.end('piped');
  assert.equal(Buffer.concat(await Readable.from(echo).toArray()).toString(), 'piped');
});

test('a body stream, a large response and backpressure arrive whole', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => void request.pipe(response);
  const agent = startAgent(t, [pod]);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const body = Readable.from(Array.from({ length: 64 }, () => chunk));
  const response = await agent.request({ origin: ORIGIN, path: '/', method: 'POST', body });
  let length = 0;
  for await (const piece of response.body) {
    length += piece.length;
    if (length < 256 * 1024) await new Promise(setImmediate);
  }
  assert.equal(length, 64 * 64 * 1024);
});

test('the URL’s host is what the server sees', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => void response.end(request.headers.host);
  const agent = startAgent(t, [pod]);
  assert.equal(await get(agent, '/', 'http://orders.prod:8080'), 'orders.prod:8080');
});

for (const [what, options, code] of [
  ['an origin that is no URL', { origin: 'nonsense' }, 'ERR_INVALID_URL'],
  ['an origin that is not http', { origin: 'ftp://orders.prod' }, 'UND_ERR_INVALID_ARG'],
  ['an origin with a path', { origin: 'http://orders.prod/path' }, 'UND_ERR_INVALID_ARG'],
  ['no origin', { origin: undefined }, 'UND_ERR_INVALID_ARG'],
  ['a bad path', { path: 'no slash' }, 'UND_ERR_INVALID_ARG'],
  ['a bad header', { headers: { 'bad name': 'x' } }, 'UND_ERR_INVALID_ARG'],
  ['the option dispatcher', { dispatcher: {} }, 'UND_ERR_INVALID_ARG'],
] as const) {
  test(`${what} is refused with undici's error, and the agent goes on`, async (t) => {
    const pod = await startPod(t);
    const agent = startAgent(t, [pod]);
    await get(agent);
    await assert.rejects(agent.request({ origin: ORIGIN, path: '/', method: 'GET', ...options } as never), {
      code,
    });
    await get(agent);
    assert.equal(pod.connections.length, 1);
  });
}

test('bad input before any endpoint is known is refused all the same', async (t) => {
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const refused = assert.rejects(agent.request({ origin: ORIGIN, path: 'no slash', method: 'GET' }), {
    code: 'UND_ERR_INVALID_ARG',
  });
  resolver.set([pod]);
  await refused;
});

test('handlers are checked as undici checks them', (t) => {
  const agent = new BalancedAgent({ discovery: new ManualResolver().resolve });
  t.after(() => agent.destroy());
  const options = { origin: ORIGIN, path: '/', method: 'GET' } as const;
  assert.throws(() => agent.dispatch(options, null as never), errors.InvalidArgumentError);
  assert.throws(() => agent.dispatch(options, {}), { message: 'invalid onRequestStart method' });
  let said: Error | undefined;
  const handler = { ...METHODS, onResponseError: (_: unknown, error: Error) => void (said = error) };
  assert.equal(agent.dispatch(options, { ...handler, onResponseData: 7 } as never), true);
  assert.equal(said?.message, 'invalid onResponseData method');
  assert.equal(agent.dispatch({ ...options, upgrade: 'x' } as never, handler), true);
  assert.equal(said?.message, 'invalid onRequestUpgrade method');
  const legacy = { onConnect() {}, onError: (error: Error) => void (said = error) };
  assert.equal(agent.dispatch(options, legacy), true);
  assert.equal(said?.message, 'invalid onHeaders method');
});

for (const when of ['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd'] as const) {
  test(`an error thrown in ${when} reaches onResponseError, once, and costs one connection at most`, async (t) => {
    const pod = await startPod(t);
    const agent = startAgent(t, [pod]);
    await get(agent);
    const errorsSeen: Error[] = [];
    await new Promise<void>((resolve) => {
      agent.dispatch(
        { origin: ORIGIN, path: '/', method: 'GET' },
        {
          ...METHODS,
          [when]() {
            throw new Error(`thrown in ${when}`);
          },
          onResponseError(_controller, error) {
            errorsSeen.push(error);
            resolve();
          },
        },
      );
    });
    for (let n = 0; n < 5; n++) await get(agent);
    assert.deepEqual(
      errorsSeen.map(({ message }) => message),
      [`thrown in ${when}`],
    );
    assert.ok(pod.connections.length <= 2);
    assert.equal(agent.stats[ORIGIN]!.running, 0);
    assert.equal(agent.stats[ORIGIN]!.endpoints[0]!.inFlight, 0);
  });
}

for (const thrown of [new Error('thrown at the start'), 0, undefined]) {
  test(`${String(thrown)}, thrown in onRequestStart, is no abort, whether the request waits or not`, async (t) => {
    const pod = await startPod(t);
    const stock = new Agent();
    t.after(() => stock.destroy());
    const agent = startAgent(t, [pod]);
    const outcome = (dispatcher: Dispatcher) =>
      new Promise((resolve) => {
        dispatcher.dispatch(
          { origin: `http://${pod.address}:${pod.port}`, path: '/', method: 'GET' },
          {
            ...METHODS,
            onRequestStart() {
              throw thrown;
            },
            onResponseError: ({ aborted, reason }, error) => resolve({ aborted, reason, error }),
          },
        );
      });
    const expected = await outcome(stock);
    assert.deepEqual(await outcome(agent), expected, 'cold');
    await get(agent, '/', `http://${pod.address}:${pod.port}`);
    assert.deepEqual(await outcome(agent), expected, 'warm');
  });
}

test('an abort at every moment ends the request once, and leaves no count behind', async (t) => {
  const pod = await startPod(t);
  pod.respond = (_request, response) => {
    response.write('part');
    setTimeout(() => response.end('rest'), 20);
  };
  const agent = startAgent(t, [pod]);
  let settled = 0;
  const attempts = Array.from({ length: 300 }, async (_, n) => {
    const controller = new AbortController();
    const { signal } = controller;
    const request = agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal });
    if (n % 3 === 0) controller.abort();
    else setTimeout(() => controller.abort(), (n % 30) * 2);
    await request.then(({ body }) => body.text()).catch(() => undefined);
    settled++;
  });
  await Promise.all(attempts);
  assert.equal(settled, 300);
  await get(agent);
  const { running, queued, endpoints } = agent.stats[ORIGIN]!;
  assert.deepEqual(
    { running, queued, inFlight: endpoints[0]!.inFlight },
    { running: 0, queued: 0, inFlight: 0 },
  );
});

test('a reused connection that the server has closed costs no request, POST or not', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  await get(agent);
  for (let n = 0; n < 20; n++) {
    for (const socket of pod.sockets) {
      socket.end();
      await once(socket, 'finish');
    }
    // undici looks at an idle socket once more before it writes: the end must have come by then.
    await settle();
    const response = await agent.request({ origin: ORIGIN, path: '/', method: 'POST', body: 'x' });
    await response.body.dump();
    assert.equal(response.statusCode, 200);
  }
});

test('an upgraded socket works, and is no load of its endpoint', async (t) => {
  const pod = await startPod(t);
  pod.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const agent = startAgent(t, [pod]);
  const options = { origin: ORIGIN, path: '/', protocol: 'echo' } as Dispatcher.UpgradeOptions;
  const { socket } = await (agent.upgrade(options) as Promise<Dispatcher.UpgradeData>);
  socket.write('hello');
  const [chunk] = await new Promise<[Buffer]>((resolve) =>
    socket.once('data', (data: Buffer) => resolve([data])),
  );
  assert.equal(String(chunk), 'hello');
  assert.equal(agent.stats[ORIGIN]!.endpoints[0]!.inFlight, 0);
  await get(agent);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end();
  await closed;
  await agent.close();
  await pod.allClosed();
});

test('CONNECT opens a tunnel', async (t) => {
  const pod = await startPod(t);
  pod.server.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    socket.pipe(socket);
  });
  const agent = startAgent(t, [pod]);
  const { socket, statusCode } = await agent.connect({ origin: ORIGIN, path: 'db.prod:5432' });
  assert.equal(statusCode, 200);
  socket.write('ping');
  const chunk = await new Promise((resolve) => socket.once('data', resolve));
  assert.equal(String(chunk), 'ping');
  socket.destroy();
});

test('the options of undici’s agents are answered', () => {
  const agent = new BalancedAgent({
    discovery: new ManualResolver().resolve,
    webSocket: { maxFragments: 5 },
  });
  assert.deepEqual(agent.webSocketOptions, { maxFragments: 5, maxPayloadSize: 128 * 1024 * 1024 });
  assert.ok((agent.eventSourceOptions.maxEventSize ?? 0) > 0);
});

test('what hosts leaves out is sent as undici sends it, for old-style callers too', async (t) => {
  const pod = await startPod(t);
  const elsewhere = await startPod(t);
  const agent = startAgent(t, [pod], { hosts: ['*.prod', '!billing.prod'] });
  assert.equal(await get(agent), pod.address);
  const origin = `http://${elsewhere.address}:${elsewhere.port}`;
  assert.equal(await get(agent, '/', origin), elsewhere.address);
  const response = await fetch(origin, { dispatcher: agent } as object);
  assert.equal(await response.text(), elsewhere.address);
  assert.deepEqual(Object.keys(agent.stats), [ORIGIN]);
});

test('an origin behind a socketPath is not balanced', async (t) => {
  const { createServer } = await import('node:http');
  const { mkdtempSync } = await import('node:fs');
  const socketPath = `${mkdtempSync('/tmp/evenkeel-')}/socket`;
  const server = createServer((_request, response) => void response.end('by socket')).listen(socketPath);
  await once(server, 'listening');
  t.after(() => server.close());
  const agent = startAgent(t, [], { socketPath });
  assert.equal(await get(agent), 'by socket');
});
