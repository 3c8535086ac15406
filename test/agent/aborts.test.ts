import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer as createH2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { nextAddress, type Pod, startPods } from '../support/pods.ts';
import { seededRandom } from '../support/random.ts';

const REQUESTS = 10_000;
const CONCURRENCY = 100;
/** Milliseconds that a response takes, and after which a request may be aborted. */
const LONGEST = 6;
/** One in so many is not aborted, however long it takes. */
const SPARED = 10;

const random = seededRandom(5);
const moment = () => random() * LONGEST;

/** Sends requests of which most are aborted at random moments, and says how many were served. */
async function storm(
  agent: BalancedAgent,
  anyOf: (() => Partial<Dispatcher.RequestOptions>)[],
): Promise<number> {
  let served = 0;
  const send = async (number: number) => {
    const aborter = new AbortController();
    const { signal } = aborter;
    const timer = number % SPARED > 0 ? setTimeout(() => aborter.abort(), 10 * moment()) : undefined;
    const options = anyOf[Math.floor(random() * anyOf.length)]!();
    try {
      const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal, ...options });
      await body.text();
      served++;
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
    clearTimeout(timer);
    // undici takes its own off when the body has closed.
    while (getEventListeners(signal, 'abort').length > 0) await delay(1);
  };
  let left = REQUESTS;
  const worker = async () => {
    while (left > 0) await send(left--);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return served;
}

for (const reason of [0, '', false, null]) {
  test(`an abort with ${JSON.stringify(reason)} ends a request as undici's Agent ends it`, async (t) => {
    const [pod] = (await startPods(t, 1)) as [Pod];
    const stock = new Agent();
    t.after(() => stock.destroy());
    const ours = startAgent(t, [pod]);
    const origin = `http://${pod.address}:${pod.port}`;
    const expected = await abortedInFlight(stock, origin, pod, '/slow/stock', reason);
    const nowhere = startAgent(t, [], { discovery: new ManualResolver().resolve });
    const aborted = [
      await abortedInFlight(ours, origin, pod, '/slow/ours', reason),
      await abortedAtStart(nowhere, reason),
    ];
    for (const error of aborted) assert.deepEqual(error, expected);
  });
}

test('an agent that is destroyed with no error says that it was destroyed', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const waiting = agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  await Promise.all([
    assert.rejects(waiting, { code: 'UND_ERR_DESTROYED' }),
    agent.destroy(0 as unknown as null),
  ]);
});

async function abortedInFlight(
  agent: Dispatcher,
  origin: string,
  pod: Pod,
  path: string,
  reason: unknown,
): Promise<NodeJS.ErrnoException> {
  const aborter = new AbortController();
  const { signal } = aborter;
  const failed = agent.request({ origin, path, method: 'GET', signal }).then(asUnexpected, (error) => error);
  await pod.received(path);
  aborter.abort(reason);
  return failed;
}

/** Its own handler aborts it, of the older generation for a change. */
function abortedAtStart(agent: BalancedAgent, reason: unknown): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    agent.dispatch(
      { origin: ORIGIN, path: '/', method: 'GET' },
      {
        onConnect: (abort) => abort(reason as null),
        onHeaders: () => true,
        onData: () => true,
        onComplete: () => {},
        onError: resolve,
      },
    );
  });
}

function asUnexpected(): never {
  throw new Error('there was a response');
}

async function assertNothingIsLeft(agent: BalancedAgent): Promise<void> {
  // A request that was aborted before it was written ends when it would have been.
  while (agent.stats[ORIGIN]!.running > 0) await delay(1);
  const { queued, pending, endpoints } = agent.stats[ORIGIN]!;
  assert.deepEqual({ queued, pending }, { queued: 0, pending: 0 });
  for (const { inFlight } of endpoints) assert.equal(inFlight, 0);
}

test('requests that are aborted at random moments leave nothing behind', async (t) => {
  const pods = await startPods(t, 3);
  for (const pod of pods) {
    pod.respond = (request, response) => {
      request.on('error', () => {}).resume();
      setTimeout(() => response.write('some, '), moment());
      setTimeout(() => response.end('and the rest'), LONGEST);
    };
  }
  const agent = startAgent(t, pods, { connections: 25 });
  const served = await storm(agent, [
    () => ({}),
    () => ({ headersTimeout: 10_000, bodyTimeout: 10_000 }),
    () => ({ method: 'POST', body: 'x'.repeat(1_000) }),
    () => ({ method: 'PUT', body: Readable.from(['a', 'stream']) }),
  ]);
  assert.ok(served >= REQUESTS / SPARED && served < REQUESTS, String(served));
  await assertNothingIsLeft(agent);
  assert.ok(pods.every(({ sockets }) => sockets.size <= 25 + 5));
  await agent.close();
  await Promise.all(pods.map((pod) => pod.allClosed()));
});

test('so do those over HTTP/2', async (t) => {
  const pods = await Promise.all([startH2Pod(t), startH2Pod(t)]);
  const agent = startAgent(t, pods, { h2Options: { useH2c: true } });
  // Of those with a body, undici and Node's nghttp2 may stop each other: GETs only.
  const served = await storm(agent, [() => ({})]);
  assert.ok(served >= REQUESTS / SPARED && served < REQUESTS, String(served));
  await assertNothingIsLeft(agent);
  await agent.close();
  for (const { sessions } of pods) {
    for (const session of sessions) {
      if (!session.destroyed) await new Promise<void>((resolve) => session.once('close', resolve));
    }
  }
});

interface H2Pod {
  endpoint: EndpointAddress;
  sessions: Set<ServerHttp2Session>;
}

async function startH2Pod(t: TestContext): Promise<H2Pod> {
  const sessions = new Set<ServerHttp2Session>();
  // So many aborts look like an attack, against which it would end the session.
  const server = createH2Server({
    streamResetBurst: REQUESTS,
    streamResetRate: REQUESTS,
    maxSessionInvalidFrames: REQUESTS,
    maxSessionRejectedStreams: REQUESTS,
  })
    .on('session', (session) => {
      sessions.add(session.on('error', () => {}));
    })
    .on('stream', (stream) => {
      stream.on('error', () => {});
      setTimeout(() => {
        if (stream.destroyed) return;
        stream.respond({ ':status': 200 });
        stream.write('some, ');
        setTimeout(() => stream.end('and the rest'), moment());
      }, moment());
    });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  return { endpoint: { address, port }, sessions };
}
