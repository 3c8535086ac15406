import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Dispatcher, EventSource } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { type Pod, settle, startPods } from '../support/pods.ts';

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8' };

/** Makes pods answer `/events` with an event stream, and says which each has open. */
function streamEvents(pods: readonly Pod[]): Set<ServerResponse>[] {
  return pods.map((pod) => {
    const open = new Set<ServerResponse>();
    pod.respond = (request, response) => {
      if (request.url !== '/events') {
        response.end(pod.address);
        return;
      }
      open.add(response);
      response.on('close', () => open.delete(response)).on('error', () => {});
      response.writeHead(200, HEADERS).write('data: hello\n\n');
    };
    return open;
  });
}

function sizes(open: readonly Set<unknown>[]): number[] {
  return open.map(({ size }) => size);
}

/** Opens an event stream, and reads its first event. */
async function openStream(
  agent: BalancedAgent,
  headers: Dispatcher.DispatchOptions['headers'] = { accept: 'text/event-stream' },
): Promise<Readable> {
  const { body } = await agent.request({ origin: ORIGIN, path: '/events', method: 'GET', headers });
  body.on('error', () => {});
  await once(body, 'data');
  return body;
}

function openStreams(agent: BalancedAgent, count: number): Promise<Readable[]> {
  return Promise.all(Array.from({ length: count }, () => openStream(agent)));
}

test('event streams are spread by their own number, and new pods catch up', async (t) => {
  const pods = await startPods(t, 6);
  const open = streamEvents(pods);
  const resolver = new ManualResolver(pods.slice(0, 3));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await openStreams(agent, 30);
  assert.deepEqual(sizes(open), [10, 10, 10, 0, 0, 0]);
  resolver.set(pods);
  while (agent.stats[ORIGIN]!.endpoints.length < 6) await setImmediate();
  await openStreams(agent, 30);
  assert.deepEqual(sizes(open), [10, 10, 10, 10, 10, 10]);
});

test('event streams push no ordinary requests away', async (t) => {
  const pods = await startPods(t, 3);
  const open = streamEvents(pods);
  const resolver = new ManualResolver(pods.slice(0, 1));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await openStreams(agent, 10);
  resolver.set(pods);
  while (agent.stats[ORIGIN]!.endpoints.length < 3) await setImmediate();
  await load(agent, 30, 6);
  const before = pods.map(({ requests }) => requests);
  await load(agent, 600, 6);
  const shares = pods.map(({ requests }, index) => requests - before[index]!);
  for (const share of shares) assert.ok(Math.abs(share - 200) < 20, shares.join());
  assert.deepEqual(sizes(open), [10, 0, 0]);
  const { running, endpoints } = agent.stats[ORIGIN]!;
  assert.equal(running, 0);
  assert.ok(endpoints.every(({ inFlight }) => inFlight === 0));
});

test('an EventSource of undici goes to the pod with the fewest', async (t) => {
  const pods = await startPods(t, 3);
  const open = streamEvents(pods);
  const agent = startAgent(t, pods);
  const sources: EventSource[] = [];
  for (let n = 0; n < 12; n++) {
    const source = new EventSource(`${ORIGIN}/events`, { dispatcher: agent });
    sources.push(source);
    await once(source, 'message');
    await load(agent, n % 3);
  }
  assert.deepEqual(sizes(open), [4, 4, 4]);
  for (const source of sources) source.close();
  while (open.some(({ size }) => size > 0)) await setImmediate();
});

test('headers that ask for event streams come in any form', async (t) => {
  const pods = await startPods(t, 2);
  const open = streamEvents(pods);
  const agent = startAgent(t, pods);
  const forms: Dispatcher.DispatchOptions['headers'][] = [
    { Accept: 'Text/Event-Stream' },
    ['x-test', '1', 'accept', 'text/event-stream;q=0.9, */*'],
    new Headers({ accept: 'text/event-stream' }),
    new Map([['accept', 'text/event-stream']]),
  ];
  for (const headers of forms) {
    await openStream(agent, headers);
    // Puts it to the other pod's turn, or not.
    await get(agent);
  }
  assert.deepEqual(sizes(open), [2, 2]);
});

test('an event stream that nobody announced is counted when its response comes', async (t) => {
  const pods = await startPods(t, 2);
  const open = streamEvents(pods);
  const resolver = new ManualResolver(pods.slice(0, 1));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  for (let n = 0; n < 4; n++) await openStream(agent, { accept: 'application/json, text/event-stream' });
  assert.equal(agent.stats[ORIGIN]!.running, 0);
  resolver.set(pods);
  while (agent.stats[ORIGIN]!.endpoints.length < 2) await setImmediate();
  await openStreams(agent, 4);
  assert.deepEqual(sizes(open), [4, 4]);
});

test('a response that is no event stream gives its place back', async (t) => {
  const pods = await startPods(t, 2);
  const open = streamEvents(pods);
  const agent = startAgent(t, pods);
  await load(agent, 2, 2);
  for (let n = 0; n < 3; n++) {
    const { body } = await agent.request({
      origin: ORIGIN,
      path: '/',
      method: 'GET',
      headers: { accept: 'text/event-stream' },
    });
    await body.dump();
  }
  await openStreams(agent, 4);
  assert.deepEqual(sizes(open), [2, 2]);
});

test('no cap ends an event stream, and its connection ends with it', async (t) => {
  const [pod] = await startPods(t, 1);
  const [open] = streamEvents([pod!]);
  const clock = new FakeClock();
  const agent = startAgent(t, [pod!], {
    maxConnectionDuration: '10s',
    maxRequestsPerConnection: 1,
    drainTimeout: '1s',
    clock,
  });
  const stream = await openStream(agent);
  clock.advance('30s');
  await settle();
  const [response] = open!;
  response!.write('data: still here\n\n');
  const [chunk] = await once(stream, 'data');
  assert.equal(String(chunk), 'data: still here\n\n');
  response!.end();
  await once(stream, 'end');
  await pod!.allClosed();
});

test('a connection whose event stream has ended serves requests again', async (t) => {
  const [pod] = await startPods(t, 1);
  const [open] = streamEvents([pod!]);
  const agent = startAgent(t, [pod!]);
  for (let n = 0; n < 3; n++) {
    const stream = await openStream(agent);
    for (const response of open!) response.end();
    await once(stream, 'end');
    await settle();
    await get(agent);
  }
  assert.equal(pod!.connections.length, 1);
});

test('a pod that breaks off an event stream gets the next one all the same', async (t) => {
  const pods = await startPods(t, 2);
  const open = streamEvents(pods);
  const agent = startAgent(t, pods);
  await openStreams(agent, 4);
  for (const response of open[0]!) response.destroy();
  while (!agent.stats[ORIGIN]!.endpoints.some(({ failures }) => failures === 2)) await setImmediate();
  await openStreams(agent, 2);
  assert.deepEqual(sizes(open), [2, 2]);
  assert.equal(agent.stats[ORIGIN]!.running, 0);
});

test('closing the agent waits for event streams, and destroying it ends them', async (t) => {
  const pods = await startPods(t, 1);
  const [open] = streamEvents(pods);
  const agent = startAgent(t, pods, { drainTimeout: 1 });
  const stream = await openStream(agent);
  let closed = false;
  const closing = agent.close().then(() => {
    closed = true;
  });
  await settle();
  assert.equal(closed, false);
  const [response] = open!;
  response!.end('data: bye\n\n');
  const [chunk] = await once(stream, 'data');
  assert.equal(String(chunk), 'data: bye\n\n');
  await closing;

  const another = startAgent(t, pods);
  const cut = await openStream(another);
  const failed = once(cut, 'error');
  await another.destroy();
  assert.equal((await failed)[0].code, 'UND_ERR_DESTROYED');
});

test('a service is not idle while it has event streams', async (t) => {
  const pods = await startPods(t, 2);
  const open = streamEvents(pods);
  const clock = new FakeClock();
  const agent = startAgent(t, pods, { originIdleTimeout: '1m', clock });
  const [stream] = await openStreams(agent, 1);
  for (let n = 0; n < 40; n++) clock.advance('5s');
  await openStreams(agent, 3);
  assert.deepEqual(sizes(open), [2, 2]);
  assert.equal(stream!.destroyed, false);
  for (const responses of open) for (const response of responses) response.end();
  while (open.some(({ size }) => size > 0)) await setImmediate();
  await settle();
  for (let n = 0; n < 40; n++) clock.advance('5s');
  assert.equal(agent.stats[ORIGIN], undefined);
});
