import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer as createH2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { ORIGIN, startAgent } from '../support/agent.ts';
import { nextAddress, startPods } from '../support/pods.ts';
import { seededRandom } from '../support/random.ts';

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
  requests: number,
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
  let left = requests;
  const worker = async () => {
    while (left > 0) await send(left--);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return served;
}

async function assertNothingIsLeft(agent: BalancedAgent): Promise<void> {
  // A request that was aborted before it was written ends when it would have been.
  while (agent.stats[ORIGIN]!.running > 0) await delay(1);
  const { queued, pending, endpoints } = agent.stats[ORIGIN]!;
  assert.deepEqual({ queued, pending }, { queued: 0, pending: 0 });
  for (const { inFlight } of endpoints) assert.equal(inFlight, 0);
}

/** Tests that requests which are aborted at any moment leave nothing behind. */
export function testAborts(requests: number): void {
  test(`${requests} requests that are aborted at random moments leave nothing behind`, async (t) => {
    const pods = await startPods(t, 3);
    for (const pod of pods) {
      pod.respond = (request, response) => {
        request.on('error', () => {}).resume();
        setTimeout(() => response.write('some, '), moment());
        setTimeout(() => response.end('and the rest'), LONGEST);
      };
    }
    const agent = startAgent(t, pods, { connections: 25 });
    const served = await storm(agent, requests, [
      () => ({}),
      () => ({ headersTimeout: 10_000, bodyTimeout: 10_000 }),
      () => ({ method: 'POST', body: 'x'.repeat(1_000) }),
      () => ({ method: 'PUT', body: Readable.from(['a', 'stream']) }),
    ]);
    assert.ok(served >= requests / SPARED && served < requests, String(served));
    await assertNothingIsLeft(agent);
    assert.ok(pods.every(({ sockets }) => sockets.size <= 25 + 5));
    await agent.close();
    await Promise.all(pods.map((pod) => pod.allClosed()));
  });

  test(`so do those over HTTP/2, ${requests} of them`, async (t) => {
    const pods = await Promise.all([startH2Pod(t, requests), startH2Pod(t, requests)]);
    const agent = startAgent(t, pods, { h2Options: { useH2c: true } });
    // Of those with a body, undici and Node's nghttp2 may stop each other: GETs only.
    const served = await storm(agent, requests, [() => ({})]);
    assert.ok(served >= requests / SPARED && served < requests, String(served));
    await assertNothingIsLeft(agent);
    await agent.close();
    for (const { sessions } of pods) {
      for (const session of sessions) {
        if (!session.destroyed) await new Promise<void>((resolve) => session.once('close', resolve));
      }
    }
  });
}

interface H2Pod {
  endpoint: EndpointAddress;
  sessions: Set<ServerHttp2Session>;
}

async function startH2Pod(t: TestContext, requests: number): Promise<H2Pod> {
  const sessions = new Set<ServerHttp2Session>();
  // So many aborts look like an attack, against which it would end the session.
  const server = createH2Server({
    streamResetBurst: requests,
    streamResetRate: requests,
    maxSessionInvalidFrames: requests,
    maxSessionRejectedStreams: requests,
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
