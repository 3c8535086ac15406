import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { load, ORIGIN, startAgent } from '../../support/agent.ts';
import { recordedConnector } from '../../support/connector.ts';
import { type Pod, startPod, startPods } from '../../support/pods.ts';

const reset = (request: IncomingMessage): void => void request.socket.resetAndDestroy();

/** Makes pods break the connection of each request to a path that begins with `/reset`. */
function resetting(...pods: Pod[]): void {
  for (const pod of pods) {
    pod.respond = (request, response) => {
      if (request.url!.startsWith('/reset')) reset(request);
      else response.end(pod.address);
    };
  }
}

type Options = Partial<Dispatcher.RequestOptions>;

async function send(agent: BalancedAgent, options: Options = {}): Promise<string> {
  const { body } = await agent.request({ origin: ORIGIN, path: '/reset', method: 'GET', ...options });
  return body.text();
}

/** How often pods have seen requests to a path. */
function seen(pods: readonly Pod[], path = '/reset'): number[] {
  return pods.map((pod) => pod.paths.filter((one) => one === path).length);
}

/** A pod that breaks connections, and one that doesn't; they are chosen in turns. */
async function oneBad(t: TestContext, options = {}): Promise<{ agent: BalancedAgent; bad: Pod; good: Pod }> {
  const [bad, good] = (await startPods(t, 2)) as [Pod, Pod];
  const agent = startAgent(t, [bad, good], { policy: 'round-robin', ...options });
  resetting(bad);
  return { agent, bad, good };
}

test('a request whose connection breaks before a response is served by another endpoint', async (t) => {
  const { agent, bad, good } = await oneBad(t);
  for (let n = 0; n < 20; n++) assert.equal(await send(agent), good.address);
  assert.ok(seen([bad])[0]! >= 5);
  assert.deepEqual(seen([good]), [20]);
});

test('one that is not idempotent is not sent again, unless its caller says that it is', async (t) => {
  const pod = await startPod(t);
  const other = await startPod(t, { port: pod.port });
  resetting(pod, other);
  const agent = startAgent(t, [pod, other]);
  await assert.rejects(send(agent, { method: 'POST', body: 'x' }), /other side closed|ECONNRESET/);
  assert.equal(
    seen([pod, other]).reduce((a, b) => a + b),
    1,
  );
  await assert.rejects(send(agent, { method: 'POST', body: 'x', idempotent: true }));
  assert.equal(
    seen([pod, other]).reduce((a, b) => a + b),
    3,
  );
  await assert.rejects(send(agent, { method: 'POST', body: 'x', headers: { 'idempotency-key': '1' } }));
  assert.equal(
    seen([pod, other]).reduce((a, b) => a + b),
    5,
  );
});

test('a body arrives whole at the second endpoint; a stream is not sent again', async (t) => {
  const pods = await startPods(t, 2);
  const bodies: string[] = [];
  let broken = false;
  for (const pod of pods) {
    pod.respond = async (request, response) => {
      const body = await text(request);
      if (!broken) {
        broken = true;
        reset(request);
      } else {
        bodies.push(body);
        response.end();
      }
    };
  }
  const agent = startAgent(t, pods);
  await send(agent, { method: 'PUT', body: 'the whole of it' });
  assert.deepEqual(bodies, ['the whole of it']);
  broken = false;
  await assert.rejects(send(agent, { method: 'PUT', body: Readable.from(['a stream']) }));
  assert.equal(bodies.length, 1);
});

test('headers that can be read once arrive whole at the second endpoint', async (t) => {
  const pods = await startPods(t, 2);
  const got: unknown[] = [];
  for (const pod of pods) {
    pod.respond = (request, response) => {
      if (got.push(request.headers['x-once']) === 1) reset(request);
      else response.end();
    };
  }
  await send(startAgent(t, pods), { headers: new Map([['x-once', 'value']]).entries() });
  assert.deepEqual(got, ['value', 'value']);
});

test('so they do when their connection turns out to be gone', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => void response.end(request.headers['x-once'] ?? 'nothing');
  const { connect, sockets } = recordedConnector();
  const agent = startAgent(t, [pod], { connect });
  await send(agent);
  const onCreate = () => {
    unsubscribe('undici:request:create', onCreate);
    sockets.at(-1)!.destroy();
  };
  subscribe('undici:request:create', onCreate);
  const headers = new Map([['x-once', 'value']]).entries();
  assert.equal(await send(agent, { method: 'POST', headers }), 'value');
  assert.equal(pod.connections.length, 2);
});

test('after a byte of a response there is no retry', async (t) => {
  const pods = await startPods(t, 3);
  for (const pod of pods) {
    pod.respond = (request) => {
      request.socket.write('HTTP/1.1 2');
      setImmediate(() => request.socket.destroy());
    };
  }
  const agent = startAgent(t, pods);
  await assert.rejects(send(agent));
  assert.equal(
    seen(pods).reduce((a, b) => a + b),
    1,
  );
});

test('once it was sent a request is sent again once, to an endpoint that has not had it', async (t) => {
  const pods = await startPods(t, 5);
  resetting(...pods);
  const agent = startAgent(t, pods);
  await load(agent, 20, 5);
  for (let n = 0; n < 4; n++) {
    const path = `/reset/${n}`;
    await assert.rejects(send(agent, { path }), /other side closed|ECONNRESET/);
    assert.deepEqual(
      seen(pods, path).filter((count) => count > 0),
      [1, 1],
    );
  }
});

test('a retry whose connection turns out to be gone does not go back to the endpoint that has failed it', async (t) => {
  const [bad, good] = (await startPods(t, 2)) as [Pod, Pod];
  resetting(bad);
  const { connect, sockets } = recordedConnector();
  const agent = startAgent(t, [bad, good], { policy: 'round-robin', connect });
  // So that the bad one has more connections, free to be used.
  const slow = Array.from({ length: 8 }, () => send(agent, { path: '/slow' }));
  while (seen([bad, good], '/slow').reduce((a, b) => a + b) < slow.length) await delay(1);
  for (const pod of [bad, good]) pod.release('/slow');
  await Promise.all(slow);
  let attempts = 0;
  const onCreate = (message: unknown) => {
    const { request } = message as { request: { path: string } };
    // The second attempt finds its connection dead.
    if (request.path !== '/reset' || ++attempts !== 2) return;
    for (const socket of sockets) if (socket.remoteAddress === good.address) socket.destroy();
  };
  subscribe('undici:request:create', onCreate);
  t.after(() => unsubscribe('undici:request:create', onCreate));
  while (attempts < 2) {
    attempts = 0;
    assert.equal(await send(agent), good.address);
  }
  assert.deepEqual(seen([bad]), [1]);
});

test('the only endpoint there is gets the request again', async (t) => {
  const pod = await startPod(t);
  let first = true;
  pod.respond = (request, response) => {
    if (first) reset(request);
    else response.end('again');
    first = false;
  };
  const agent = startAgent(t, [pod]);
  assert.equal(await send(agent), 'again');
});

test('a request waits for another endpoint that is busy, where it may make no connection', async (t) => {
  const { agent, bad, good } = await oneBad(t, { connections: 1 });
  let path = '';
  let slow: Promise<string>;
  for (let n = 0; !good.paths.includes(path); n++) {
    bad.release(path);
    path = `/slow/${n}`;
    slow = send(agent, { path });
    await Promise.race([bad.received(path), good.received(path)]);
  }
  const answer = send(agent);
  await bad.received('/reset');
  await delay(20);
  assert.deepEqual(seen([bad]), [1]);
  good.release(path);
  assert.equal(await answer, good.address);
  await slow!;
});

test('retries can be switched off, and kinds of them', async (t) => {
  const pods = await startPods(t, 2);
  resetting(...pods);
  for (const retry of [false, { attempts: 0 }, { reasons: ['refused' as const] }]) {
    const before = seen(pods).reduce((a, b) => a + b);
    const agent = startAgent(t, pods, { retry });
    await assert.rejects(send(agent));
    assert.equal(
      seen(pods).reduce((a, b) => a + b),
      before + 1,
    );
  }
});

test('retries stay within their budget when every endpoint fails', async (t) => {
  const pods = await startPods(t, 5);
  resetting(...pods);
  const agent = startAgent(t, pods, { retry: { minRetriesPerSecond: 0.5, budget: 0.1 } });
  const startedAt = performance.now();
  for (let n = 0; n < 300; n++) await assert.rejects(send(agent));
  const seconds = (performance.now() - startedAt) / 1_000;
  const retries = seen(pods).reduce((a, b) => a + b) - 300;
  assert.ok(retries >= 30 && retries <= 30 + 5 + seconds * 0.5 + 1, String(retries));
});

test('a retry is published', async (t) => {
  const { agent, bad } = await oneBad(t);
  const messages: Record<string, unknown>[] = [];
  const listen = (message: unknown) => messages.push(message as Record<string, unknown>);
  subscribe('evenkeel:request:retry', listen);
  t.after(() => unsubscribe('evenkeel:request:retry', listen));
  while (messages.length === 0) await send(agent, { path: '/reset?q' });
  const { error, ...rest } = messages[0]!;
  assert.deepEqual(rest, {
    origin: ORIGIN,
    address: `${bad.address}:${bad.port}`,
    reason: 'reset',
    attempt: 1,
    method: 'GET',
    path: '/reset',
  });
  assert.ok(error instanceof Error);
});

test('a request that is ended as its retry is published is not sent again', async (t) => {
  for (const end of ['abort', 'destroy'] as const) {
    const pods = await startPods(t, 2);
    resetting(...pods);
    const agent = startAgent(t, pods);
    await load(agent, 4, 2);
    const request = new AbortController();
    const listen = () => {
      if (end === 'abort') request.abort(new Error('enough'));
      else void agent.destroy(new Error('enough'));
    };
    subscribe('evenkeel:request:retry', listen);
    t.after(() => unsubscribe('evenkeel:request:retry', listen));
    await assert.rejects(send(agent, { signal: request.signal }), /enough/);
    unsubscribe('evenkeel:request:retry', listen);
    await agent.close().catch(() => {});
    assert.equal(
      seen(pods).reduce((a, b) => a + b),
      1,
      end,
    );
  }
});

test('an aborted retry takes no connection', async (t) => {
  const pod = await startPod(t);
  resetting(pod);
  const agent = startAgent(t, [pod]);
  const request = new AbortController();
  const listen = () => request.abort(new Error('enough'));
  subscribe('evenkeel:request:retry', listen);
  t.after(() => unsubscribe('evenkeel:request:retry', listen));
  await assert.rejects(send(agent, { signal: request.signal }), /enough/);
  assert.equal(agent.stats[ORIGIN]!.pending + agent.stats[ORIGIN]!.running, 0);
  assert.equal(agent.stats[ORIGIN]!.endpoints[0]!.requests, 1);
});

test('the caller sees one request: one start, and one outcome', async (t) => {
  const { agent, bad, good } = await oneBad(t);
  while (!bad.paths.includes('/reset')) {
    const calls: string[] = [];
    let first: unknown;
    await new Promise<void>((resolve) => {
      agent.dispatch(
        { origin: ORIGIN, path: '/reset', method: 'GET' },
        {
          onRequestStart: (controller) => {
            first = controller;
            calls.push('start');
          },
          onResponseStart: (controller, status) => {
            assert.equal(controller, first);
            calls.push(String(status));
          },
          onResponseData: (_controller, chunk) => calls.push(String(chunk)),
          onResponseEnd: () => resolve(void calls.push('end')),
          onResponseError: (_controller, error) => resolve(void calls.push(error.message)),
        },
      );
    });
    assert.deepEqual(calls, ['start', '200', good.address, 'end']);
  }
});

test('a request can be aborted between its attempts, and during the second', async (t) => {
  const { agent, bad, good } = await oneBad(t);
  good.respond = () => {};
  for (let n = 0; n < 8; n++) {
    const path = `/reset/${n}`;
    const aborter = new AbortController();
    const outcome = send(agent, { path, signal: aborter.signal });
    // Every other one comes to the bad one first.
    if (n < 4) await Promise.race([bad.received(path), good.received(path)]);
    else await good.received(path);
    aborter.abort();
    await assert.rejects(outcome, { name: 'AbortError' });
  }
  for (let n = 0; n < 50 && agent.stats[ORIGIN]!.running > 0; n++) await delay(10);
  const { pending, running, queued } = agent.stats[ORIGIN]!;
  assert.deepEqual({ pending, running, queued }, { pending: 0, running: 0, queued: 0 });
});

test('an agent that is destroyed sends nothing again', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  const outcome = send(agent, { path: '/slow' });
  await Promise.race(pods.map((pod) => pod.received('/slow')));
  await Promise.all([agent.destroy(), assert.rejects(outcome, { code: 'UND_ERR_DESTROYED' })]);
  assert.equal(
    seen(pods, '/slow').reduce((a, b) => a + b),
    1,
  );
});

test('an agent that closes still sends again', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  let broken = false;
  const received = Promise.race(pods.map((pod) => once(pod, 'request')));
  for (const pod of pods) {
    pod.respond = async (request, response) => {
      await delay(20);
      if (broken) response.end('served');
      else reset(request);
      broken = true;
    };
  }
  const outcome = send(agent);
  await received;
  const closed = agent.close();
  assert.equal(await outcome, 'served');
  await closed;
});

test('old-style handlers get a retry too', async (t) => {
  const { agent, bad, good } = await oneBad(t);
  while (!bad.paths.includes('/reset')) {
    const response = await fetch(`${ORIGIN}/reset`, { dispatcher: agent } as unknown as RequestInit);
    assert.equal(await response.text(), good.address);
  }
});
