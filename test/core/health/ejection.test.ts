import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer, connect as dialTcp, Server as TcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { upgrade } from 'undici';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { nextAddress, type Pod, settle, startPod, startPods } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';
import { ask, askMany, startAgent, stateOf } from './asking.ts';

/** The pods that get requests now, of so many. */
async function served(agent: BalancedAgent, pods: readonly Pod[], count = 40): Promise<Pod[]> {
  const before = pods.map(({ requests }) => requests);
  for (let n = 0; n < count; n++) await ask(agent);
  return pods.filter(({ requests }, index) => requests > before[index]!);
}

function breakDown(pod: Pod, statusCode = 503): void {
  pod.respond = (_request, response) => {
    response.statusCode = statusCode;
    response.end('no');
  };
}

function recover(pod: Pod): void {
  pod.respond = (_request, response) => response.end('yes');
}

test('a pod that is ejected comes back when its time is over and it serves again', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const bad = pods[0]!;
  const agent = startAgent(t, pods, { clock });
  breakDown(bad);
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  assert.equal(await askMany(agent, 50), 0);
  recover(bad);
  clock.advance('30s');
  assert.equal((await served(agent, pods)).length, 3);
  assert.equal(stateOf(agent, bad), 'ready');
});

test('one that fails still is ejected again by a single failure', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const bad = pods[0]!;
  const agent = startAgent(t, pods, { clock });
  breakDown(bad);
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  const { requests } = bad;
  clock.advance('30s');
  await Promise.all(Array.from({ length: 40 }, () => ask(agent)));
  assert.equal(bad.requests, requests + 1);
  assert.equal(stateOf(agent, bad), 'ejected');
});

test('the only pod, just restored, serves requests beside a slow one', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { clock });
  breakDown(pod);
  await askMany(agent, 5);
  assert.equal(stateOf(agent, pod), 'ejected');
  recover(pod);
  clock.advance('30s');
  const slow = ask(agent, '/slow');
  await pod.received('/slow');
  assert.equal(await ask(agent), 200);
  pod.release('/slow');
  assert.equal(await slow, 200);
});

test('a pod just restored is like the others once a response of its has begun, be it long', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const bad = pods[0]!;
  const agent = startAgent(t, pods, { clock });
  breakDown(bad);
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  const held: (() => void)[] = [];
  bad.respond = (_request, response) => {
    response.writeHead(200);
    response.write('a part');
    held.push(() => response.end());
  };
  clock.advance('30s');
  const responses = await Promise.all(
    Array.from({ length: 3 }, () => agent.request({ origin: ORIGIN, path: '/', method: 'GET' })),
  );
  assert.equal(held.length, 1);
  recover(bad);
  assert.equal((await served(agent, pods)).length, 3);
  for (const release of held) release();
  for (const { body } of responses) await body.dump();
});

test('a request in flight at a pod that is ejected finishes', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { outlierDetection: { maxEjectionPercent: 50 } });
  const slow = ask(agent, '/slow');
  await Promise.race(pods.map((pod) => pod.received('/slow')));
  const bad = pods.find(({ paths }) => paths.includes('/slow'))!;
  breakDown(bad);
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  recover(bad);
  bad.release('/slow');
  assert.equal(await slow, 200);
});

for (const [what, misbehave] of [
  ['breaks its connections', (pod: Pod) => (pod.respond = (request) => request.socket.destroy())],
  ['answers 502', (pod: Pod) => breakDown(pod, 502)],
  ['answers 504', (pod: Pod) => breakDown(pod, 504)],
] as const) {
  test(`a pod that ${what} is ejected`, async (t) => {
    const pods = await startPods(t, 3);
    const agent = startAgent(t, pods, { retry: false });
    misbehave(pods[0]!);
    assert.equal(await askMany(agent, 60), 5);
    assert.equal(stateOf(agent, pods[0]!), 'ejected');
  });
}

test('a pod that hangs is ejected by the timeouts of its callers', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { headersTimeout: 50, retry: false });
  pods[0]!.respond = () => {};
  // Where this process stands still, undici lets the requests to the others time out as well.
  for (let n = 0; n < 20 && stateOf(agent, pods[0]!) !== 'ejected'; n++) {
    await Promise.all(Array.from({ length: 30 }, () => ask(agent)));
  }
  assert.equal(stateOf(agent, pods[0]!), 'ejected');
});

test('a pod that refuses dials is ejected in the end', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { clock });
  await askMany(agent, 20);
  await pods[0]!.kill();
  for (let n = 0; n < 200 && stateOf(agent, pods[0]!) !== 'ejected'; n++) {
    assert.equal(await ask(agent), 200);
    clock.advance(500);
    await settle();
  }
  assert.equal(stateOf(agent, pods[0]!), 'ejected');
});

test('a pod that takes no more connections, and serves on those it has, is not ejected', async (t) => {
  const pods = await startPods(t, 3);
  const full = pods[0]!;
  const agent = startAgent(t, pods, { outlierDetection: { consecutiveFailures: 1 } });
  await askMany(agent, 9);
  // Unlike that of node:http, it leaves idle connections as they are.
  TcpServer.prototype.close.call(full.server);
  const refused = new Promise<void>((resolve) => agent.once('connectionError', () => resolve()));
  // More at once than there are connections, so that more are wanted.
  const slow = Array.from({ length: 6 }, () => ask(agent, '/slow'));
  await refused;
  const received = () => pods.flatMap(({ paths }) => paths.filter((path) => path === '/slow')).length;
  while (received() < slow.length) await settle();
  assert.equal(stateOf(agent, full), 'ready');
  for (const pod of pods) pod.release('/slow');
  await Promise.all(slow);
  assert.equal((await served(agent, pods)).length, 3);
});

test('500 is the app’s own affair, unless said otherwise', async (t) => {
  const pods = await startPods(t, 3);
  breakDown(pods[0]!, 500);
  const usual = startAgent(t, pods);
  await askMany(usual, 60);
  assert.equal(stateOf(usual, pods[0]!), 'ready');
  const strict = startAgent(t, pods, { outlierDetection: { failures: ['500'] } });
  await askMany(strict, 60);
  assert.equal(stateOf(strict, pods[0]!), 'ejected');
});

test('what callers abort is held against nobody', async (t) => {
  const pod = await startPod(t);
  const other = await startPod(t);
  const agent = startAgent(t, [pod, other]);
  for (let n = 0; n < 20; n++) {
    const abort = new AbortController();
    const path = `/slow/${n}`;
    const request = agent.request({ origin: ORIGIN, path, method: 'GET', signal: abort.signal });
    while (!pod.paths.includes(path) && !other.paths.includes(path)) await settle();
    abort.abort();
    await assert.rejects(request, { name: 'AbortError' });
  }
  for (const it of [pod, other]) assert.notEqual(stateOf(agent, it), 'ejected');
});

for (const [what, bodyOf] of [
  ['a stream', (source: AsyncIterable<string>) => Readable.from(source)],
  ['an iterable', (source: AsyncIterable<string>) => source as unknown as Readable],
] as const) {
  test(`so is the end of what the body comes from, with ${what}`, async (t) => {
    const pods = await startPods(t, 2);
    const agent = startAgent(t, pods);
    for (let n = 0; n < 20; n++) {
      const path = `/slow/${n}`;
      const cut = async function* () {
        yield 'the first half';
        while (!pods.some(({ paths }) => paths.includes(path))) await settle();
        throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
      };
      const body = bodyOf(cut());
      await assert.rejects(agent.request({ origin: ORIGIN, path, method: 'POST', body }), /aborted/);
    }
    for (const pod of pods) assert.notEqual(stateOf(agent, pod), 'ejected');
  });
}

test('when all pods answer 503, all are still tried', async (t) => {
  const pods = await startPods(t, 5);
  for (const pod of pods) breakDown(pod);
  const agent = startAgent(t, pods);
  await Promise.all(Array.from({ length: 100 }, () => ask(agent)));
  assert.equal((await served(agent, pods, 60)).length, 5);
  for (const pod of pods) recover(pod);
  assert.equal(await askMany(agent, 60), 0);
});

test('with detection off, a pod that fails is used like all others', async (t) => {
  const pods = await startPods(t, 3);
  breakDown(pods[0]!);
  const agent = startAgent(t, pods, { outlierDetection: false });
  assert.ok((await askMany(agent, 60)) > 15);
});

test('an ejection outlives new sets, and ends when another pod has the address', async (t) => {
  const pods = await startPods(t, 4);
  const resolver = new ManualResolver();
  const known = (pods: Pod[]) =>
    pods.map((pod) => ({ endpoint: { ...pod.endpoint, id: `uid-of-${pod.address}` } }));
  const update = async (set: { endpoint: EndpointAddress }[]) => {
    const { updatedAt } = agent.stats[ORIGIN]!.discovery;
    resolver.set(set);
    while (agent.stats[ORIGIN]!.discovery.updatedAt === updatedAt) {
      await ask(agent);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  resolver.set(known(pods.slice(0, 3)));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const bad = pods[0]!;
  breakDown(bad);
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  const { requests } = bad;
  await update(known(pods.slice(0, 3)));
  await update(known(pods.slice(0, 3).reverse()));
  await update(known(pods));
  await update(known([bad, pods[3]!, pods[1]!]));
  assert.equal(await askMany(agent, 40), 0);
  assert.equal(bad.requests, requests);
  assert.equal(stateOf(agent, bad), 'ejected');

  recover(bad);
  await update([{ endpoint: { ...bad.endpoint, id: 'uid-of-another' } }, ...known(pods.slice(1))]);
  await served(agent, pods);
  assert.equal(stateOf(agent, bad), 'ready');
  assert.ok(bad.requests > requests);
});

test('beside a mesh nothing is ejected, and what was comes back', async (t) => {
  const pods = await startPods(t, 3);
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  breakDown(pods[0]!);
  while (stateOf(agent, pods[0]!) !== 'ejected') await ask(agent);
  resolver.set(pods, { passive: true });
  while (stateOf(agent, pods[0]!) === 'ejected') await ask(agent);
  assert.equal(await askMany(agent, 60), 20);
});

test('nor is a pod that names itself', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.respond = (_request, response) => response.writeHead(503, { 'x-pod': pod.address }).end();
  }
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true, passive: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'x-pod' });
  await askMany(agent, 20);
  const rows = agent.stats[ORIGIN]!.endpoints;
  assert.deepEqual(rows.map(({ identity }) => identity).sort(), pods.map(({ address }) => address).sort());
  for (const { state } of rows) assert.equal(state, 'ready');
});

test('ejections and restorations are published', async (t) => {
  const messages: object[] = [];
  for (const name of ['evenkeel:endpoint:eject', 'evenkeel:endpoint:restore']) {
    const listener = (message: unknown) => messages.push(message as object);
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  }
  const clock = new FakeClock();
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { clock, random: () => 0.5 });
  breakDown(pods[0]!);
  while (stateOf(agent, pods[0]!) !== 'ejected') await ask(agent);
  clock.advance('30s');
  const { address, port } = pods[0]!;
  const about = { origin: ORIGIN, address: `${address}:${port}` };
  assert.deepEqual(messages, [
    { ...about, reason: '503', duration: 27_000 },
    { ...about, reason: 'time', duration: 27_000 },
  ]);
});

test('a socket of its own is opened at pods that are not ejected', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.server.on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      pod.emit('upgraded', request.url);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    });
  }
  const upgraded = new Map(pods.map((pod) => [pod, 0]));
  for (const pod of pods) pod.on('upgraded', () => upgraded.set(pod, upgraded.get(pod)! + 1));
  const agent = startAgent(t, pods);
  breakDown(pods[0]!);
  while (stateOf(agent, pods[0]!) !== 'ejected') await ask(agent);
  for (let n = 0; n < 4; n++) {
    const { socket } = await upgrade(ORIGIN, { protocol: 'test', dispatcher: agent });
    t.after(() => socket.destroy());
  }
  assert.deepEqual([...upgraded.values()], [0, 4]);
});

// HTTP/2

async function startH2Pod(
  t: TestContext,
): Promise<{ endpoint: EndpointAddress; broken: boolean; requests: number }> {
  const server: Http2Server = createServer();
  const pod = { endpoint: { address: '', port: 0 }, broken: false, requests: 0 };
  server.on('session', (session) => {
    session.on('error', () => {});
    t.after(() => session.destroy());
  });
  server.on('stream', (stream) => {
    pod.requests++;
    stream.respond({ ':status': pod.broken ? 503 : 200 });
    stream.end('ok');
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  pod.endpoint = { address, port };
  return pod;
}

test('a pod of HTTP/2 is ejected and restored like others', async (t) => {
  const clock = new FakeClock();
  const pods = await Promise.all([startH2Pod(t), startH2Pod(t), startH2Pod(t)]);
  const agent = startAgent(t, pods, { clock, h2Options: { useH2c: true } });
  await askMany(agent, 30);
  const bad = pods[0]!;
  bad.broken = true;
  while (stateOf(agent, bad) !== 'ejected') await ask(agent);
  const { requests } = bad;
  assert.equal(await askMany(agent, 30), 0);
  bad.broken = false;
  clock.advance('30s');
  assert.equal(await askMany(agent, 30), 0);
  assert.ok(bad.requests > requests);
  assert.equal(stateOf(agent, bad), 'ready');
});

// Virtual IPs

/** One address that passes each connection to a pod, in turn. */
async function startVirtualIp(t: TestContext, pods: readonly Pod[]): Promise<{ endpoint: EndpointAddress }> {
  let turn = 0;
  const server = createTcpServer((client: Socket) => {
    const { address, port } = pods[turn++ % pods.length]!;
    const upstream = dialTcp(port, address);
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      t.after(() => one.destroy());
    }
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  return { endpoint: { address, port } };
}

test('behind a virtual IP, a connection that fails is given up for another', async (t) => {
  const pods = await startPods(t, 4);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, spread: 3 });
  await Promise.all(Array.from({ length: 3 }, () => ask(agent)));
  const bad = pods.find(({ requests }) => requests > 0)!;
  breakDown(bad);
  assert.ok((await askMany(agent, 100)) <= 5 * bad.connections.length);
  assert.equal(await askMany(agent, 30), 0);
  const states = agent.stats[ORIGIN]!.endpoints.map(({ state }) => state);
  assert.equal(states.includes('ejected'), false);
});

test('where all pods behind a virtual IP fail, re-dialling becomes rare', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t);
  breakDown(pod);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, [pod])], { virtual: true });
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    spread: 1,
    clock,
    maxConnectionDuration: 0,
    keepAliveTimeout: '1m',
  });
  for (let second = 0; second < 60; second++) {
    await askMany(agent, 10);
    clock.advance('1s');
  }
  // At 0, 1, 3, 7, 15, 31 and, had there been more time, 61 seconds.
  assert.ok(pod.connections.length <= 8, `${pod.connections.length} connections`);
  assert.ok(pod.connections.length >= 4, `${pod.connections.length} connections`);
});

test('a pod behind a virtual IP that names itself is passed over', async (t) => {
  const pods = await startPods(t, 4);
  for (const pod of pods) {
    pod.respond = (_request, response) => response.setHeader('x-pod', pod.address).end('yes');
  }
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'x-pod' });
  for (let n = 0; n < 200; n++) {
    await Promise.all(Array.from({ length: 4 }, () => ask(agent)));
    if (agent.stats[ORIGIN]!.endpoints.length === 4) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const bad = pods[1]!;
  let onKnownConnections = 0;
  bad.respond = ({ socket }, response) => {
    // A connection that is made to find pods may lead to this one again, which only its first response tells.
    if ((socket as Socket & { record: Pod['connections'][number] }).record.requests > 1) onKnownConnections++;
    response.writeHead(503, { 'x-pod': bad.address }).end();
  };
  const isEjected = () =>
    agent.stats[ORIGIN]!.endpoints.some(
      ({ identity, state }) => identity === bad.address && state === 'ejected',
    );
  while (!isEjected()) await ask(agent);
  onKnownConnections = 0;
  assert.ok((await askMany(agent, 60)) <= 1);
  assert.equal(onKnownConnections, 0);
});

for (const [how, send] of [
  [
    'request',
    (agent: BalancedAgent, signal: AbortSignal) =>
      agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal }),
  ],
  ['fetch', (agent: BalancedAgent, signal: AbortSignal) => fetchWith(agent, { signal })],
  [
    'fetch with a body',
    (agent: BalancedAgent, signal: AbortSignal) => fetchWith(agent, { method: 'POST', body: '{}', signal }),
  ],
  [
    'fetch, with a signal of several',
    (agent: BalancedAgent, signal: AbortSignal) =>
      fetchWith(agent, { signal: AbortSignal.any([signal, new AbortController().signal]) }),
  ],
] as const) {
  for (const policy of ['round-robin', 'least-request'] as const) {
    test(`a pod that hangs is ejected by callers that use AbortSignal.timeout, by ${how}, with ${policy}`, async (t) => {
      const pods = await startPods(t, 3);
      const bad = pods[0]!;
      const agent = startAgent(t, pods, { policy });
      await askMany(agent, 9);
      bad.respond = () => {};
      let { requests } = bad;
      for (let n = 0; n < 300 && stateOf(agent, bad) !== 'ejected'; n++) {
        const { requests: before } = bad;
        const [begun, ran] = [performance.now(), startStopwatch()];
        const batch = Array.from({ length: policy === 'least-request' ? 12 : 3 }, () =>
          send(agent, AbortSignal.timeout(200)).then(drain, () => {}),
        );
        await Promise.all(batch);
        // What a caller's time ran out for while this process stood still is held against nobody.
        if (performance.now() - begun - ran() > 50) requests += bad.requests - before;
      }
      assert.equal(stateOf(agent, bad), 'ejected');
      const failures = bad.requests - requests;
      console.log(`hung pod, ${how} with AbortSignal.timeout, ${policy}: ejected after ${failures} failures`);
      assert.ok(failures <= 10, `${failures} failures`);
      for (const other of pods.slice(1)) assert.notEqual(stateOf(agent, other), 'ejected');
    });
  }
}

test('a caller’s time that ends while the response comes is held against nobody', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.respond = (_request, response) => {
      response.writeHead(200);
      response.write('a part');
    };
  }
  const clock = new FakeClock();
  const agent = startAgent(t, pods, { clock, outlierDetection: { consecutiveFailures: 1 } });
  for (let n = 0; n < 12; n++) {
    const abort = new AbortController();
    const { signal } = abort;
    const response = await fetchWith(agent, { signal });
    const text = response.text();
    clock.advance(100);
    abort.abort(new DOMException('too late', 'TimeoutError'));
    await assert.rejects(text, { name: 'TimeoutError' });
  }
  for (const pod of pods) assert.notEqual(stateOf(agent, pod), 'ejected');
});

test('an abort for another reason is held against nobody', async (t) => {
  const pods = await startPods(t, 2);
  const clock = new FakeClock();
  const agent = startAgent(t, pods, { clock, outlierDetection: { consecutiveFailures: 1 } });
  const abort = new AbortController();
  const { signal } = abort;
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET', signal });
  await Promise.race(pods.map((pod) => pod.received('/slow')));
  clock.advance(100);
  abort.abort();
  await assert.rejects(slow, { name: 'AbortError' });
  for (const pod of pods) assert.notEqual(stateOf(agent, pod), 'ejected');
});

test('a caller’s time that was spent waiting for a connection is held against nobody', async (t) => {
  const clock = new FakeClock();
  const [pod, other] = (await startPods(t, 2)) as [Pod, Pod];
  const options = { clock, connections: 1, outlierDetection: { consecutiveFailures: 1 } };
  const agent = startAgent(t, [pod, other], options);
  const before = ['/slow/1', '/slow/2'].map((path) => ask(agent, path));
  while (pod.requests + other.requests < 2) await settle();
  const abort = new AbortController();
  const { signal } = abort;
  const late = agent.request({ origin: ORIGIN, path: '/slow/3', method: 'GET', signal });
  clock.advance(1_000);
  for (const it of [pod, other]) for (const path of ['/slow/1', '/slow/2']) it.release(path);
  await Promise.all(before);
  while (pod.requests + other.requests < 3) await settle();
  clock.advance(10);
  abort.abort(new DOMException('too late', 'TimeoutError'));
  await assert.rejects(late, { name: 'TimeoutError' });
  for (const it of [pod, other]) assert.notEqual(stateOf(agent, it), 'ejected');
});

test('a body that does not come is not the pod’s to answer', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  for (let n = 0; n < 16; n++) {
    const signal = AbortSignal.timeout(20);
    const body = new Readable({ read() {} });
    const request = agent.request({ origin: ORIGIN, path: '/slow', method: 'POST', body, signal });
    await assert.rejects(request, { name: 'TimeoutError' });
  }
  for (const pod of pods) assert.notEqual(stateOf(agent, pod), 'ejected');
});

test('time in which this process did not run is held against nobody', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { outlierDetection: { consecutiveFailures: 1 } });
  await askMany(agent, 4);
  const signal = AbortSignal.timeout(200);
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET', signal });
  await settle();
  const until = performance.now() + 600;
  while (performance.now() < until);
  await assert.rejects(slow, { name: 'TimeoutError' });
  for (const pod of pods) assert.notEqual(stateOf(agent, pod), 'ejected');
});

/** Built-in fetch, which brings handlers of the older generation. */
function fetchWith(dispatcher: BalancedAgent, init: RequestInit): Promise<Response> {
  return fetch(`${ORIGIN}/`, { ...init, dispatcher } as unknown as RequestInit);
}

async function drain(response: Response | { body: { dump(): Promise<void> } }): Promise<void> {
  if (response instanceof Response) await response.arrayBuffer();
  else await response.body.dump();
}
