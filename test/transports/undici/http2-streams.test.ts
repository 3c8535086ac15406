import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type ClientHttp2Session, constants, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, buildConnector, type Dispatcher, FormData } from 'undici';
import { Http2Streams } from '../../../src/transports/undici/http2-streams.ts';
import type { Request } from '../../../src/transports/undici/request.ts';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { answer, type H2Pod, h2c, type OnStream, startH2Pod } from '../../support/h2-pod.ts';

/** What a graceful shutdown begins with: https://www.rfc-editor.org/rfc/rfc9113#section-6.8 */
const ANY_STREAM = 2 ** 31 - 1;
const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

type Path = Pick<Dispatcher.RequestOptions, 'path' | 'method'> & Partial<Dispatcher.RequestOptions>;

async function send(agent: Dispatcher, options: Path): Promise<string> {
  const { body } = await agent.request({ origin: ORIGIN, ...options });
  return body.text();
}

/** undici's own agent, over HTTP/2 without TLS. */
function startStock(t: TestContext): Agent {
  const stock = new Agent({ connect: buildConnector({ useH2c: true } as buildConnector.BuildOptions) });
  t.after(() => stock.destroy());
  return stock;
}

function originOf({ endpoint }: H2Pod): string {
  return `http://${endpoint.address}:${endpoint.port}`;
}

test('headers that Node refuses for HTTP/2 fail their request as with undici, and harm nobody else', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pods = await Promise.all(
    [1, 2].map(() =>
      startH2Pod(t, (stream, headers, nth) =>
        headers[':path'] === '/held' ? held.push(stream) : answer(stream, headers, nth),
      ),
    ),
  );
  const agent = startAgent(t, pods, h2c);
  while (agent.stats[ORIGIN]?.connected !== 2) await Promise.all([get(agent), get(agent)]);
  const neighbours = [1, 2, 3, 4].map(() => send(agent, { path: '/held', method: 'POST', body: 'x' }));
  while (held.length < 4) await delay(1);

  const stock = startStock(t);
  for (const headers of [
    { te: 'gzip' },
    { 'proxy-connection': 'keep-alive' },
    { authorization: 'a', Authorization: 'b' },
  ]) {
    for (const method of ['GET', 'POST'] as const) {
      const options = { path: '/refused', method, headers, ...(method === 'POST' && { body: 'x' }) };
      const [theirs, ours] = await Promise.all([
        stock.request({ origin: originOf(pods[0]!), ...options }).catch((error) => error),
        send(agent, options).catch((error) => error),
      ]);
      assert.equal(ours.code, 'UND_ERR_INFO');
      assert.equal(ours.message, theirs.message);
      assert.equal(ours.cause.code, theirs.cause.code);
    }
  }
  for (const stream of held) answer(stream, {}, 0);
  assert.deepEqual(await Promise.all(neighbours), ['ok', 'ok', 'ok', 'ok']);
  const { endpoints } = agent.stats[ORIGIN]!;
  assert.deepEqual(
    endpoints.map(({ failures, state }) => [failures, state]),
    [
      [0, 'ready'],
      [0, 'ready'],
    ],
  );
});

test('headers that Node refuses for HTTP/2 fail a request with any body, once, and the connection goes on', async (t) => {
  const pod = await startH2Pod(t, answer);
  const agent = startAgent(t, [pod], { ...h2c, connections: 1 });
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', note);
  t.after(() => process.off('uncaughtException', note));
  const form = new FormData();
  form.set('a', 'b');
  const bodies = [
    'x',
    Readable.from(['x', 'y']),
    (async function* () {
      yield 'x';
    })(),
    new Blob(['x']),
    form,
  ];
  for (const body of bodies) {
    const options = { path: '/refused', method: 'POST', headers: { te: 'gzip' }, body } as const;
    await assert.rejects(send(agent, options as Path), { code: 'UND_ERR_INFO' });
    assert.equal(await get(agent), 'ok');
  }
  assert.deepEqual(uncaught, []);
  assert.equal(pod.sessions.length, 1);
});

for (const how of ['throws', 'aborts'] as const) {
  for (const hook of ['onRequestSent', 'onBodySent'] as const) {
    test(`a caller that ${how} in ${hook} over HTTP/2 ends its own request, and holds up no other`, async (t) => {
      const pod = await startH2Pod(t, answer);
      const agent = startAgent(t, [pod], { ...h2c, connections: 1 });
      await get(agent);
      const reason = new Error('enough');
      const { promise, resolve } = Promise.withResolvers<Error>();
      let controller: Dispatcher.DispatchController | undefined;
      const up = () => {
        if (how === 'throws') throw reason;
        controller!.abort(reason);
      };
      agent.dispatch(
        { origin: ORIGIN, path: '/', method: 'POST', body: 'x' },
        {
          onRequestStart: (given) => {
            controller = given;
          },
          onResponseStart: () => {},
          onResponseData: () => {},
          onResponseEnd: () => {},
          [hook]: up,
          onResponseError: (_controller, error) => resolve(error),
        },
      );
      assert.equal(await promise, reason);
      assert.deepEqual(await Promise.all([get(agent), get(agent), get(agent)]), ['ok', 'ok', 'ok']);
      assert.equal(pod.sessions.length, 1);
    });
  }
}

test('an accepted POST is executed once, though a refused stream waits when the GOAWAY comes', async (t) => {
  let posts = 0;
  let accepted: ServerHttp2Stream | undefined;
  const pod: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
    if (stream.session !== pod.sessions[0]) return answer(stream, headers, nth);
    const path = headers[':path'];
    if (path === '/refused') {
      stream.close(NGHTTP2_REFUSED_STREAM);
    } else if (path === '/post') {
      posts++;
      accepted = stream;
      stream.session!.settings({ maxConcurrentStreams: 1 });
    } else {
      answer(stream, headers, nth);
    }
  });
  const agent = startAgent(t, [pod], { ...h2c, endpointTimeout: '1s' });
  await get(agent);
  // In the order in which the Client writes them: what is refused comes before what is accepted.
  const refused = send(agent, { path: '/refused', method: 'GET' });
  const post = send(agent, { path: '/post', method: 'POST', body: 'x' });
  await once(pod.server, 'stream');
  while (accepted === undefined) await delay(1);
  await delay(20);
  const late = send(agent, { path: '/late', method: 'POST', body: 'x' });
  await delay(20);
  pod.sessions[0]!.goaway(NGHTTP2_NO_ERROR, accepted.id!);
  assert.deepEqual(await Promise.all([refused, late]), ['ok', 'ok']);
  answer(accepted, {}, 0);
  assert.equal(await post, 'ok');
  assert.equal(posts, 1);
});

for (const retry of [undefined, false as const]) {
  test(`what was never sent is sent elsewhere after a GOAWAY${retry === false ? ', without retries too' : ''}`, async (t) => {
    let accepted: ServerHttp2Stream | undefined;
    const pod: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
      if (headers[':path'] === '/held') accepted = stream;
      else answer(stream, headers, nth);
    });
    const agent = startAgent(t, [pod], { ...h2c, ...(retry === false && { retry }) });
    await get(agent);
    const held = send(agent, { path: '/held', method: 'POST', body: 'x' });
    while (accepted === undefined) await delay(1);
    pod.sessions[0]!.settings({ maxConcurrentStreams: 1 });
    await delay(20);
    const late = send(agent, { path: '/late', method: 'POST', body: 'x' });
    pod.sessions[0]!.goaway(NGHTTP2_NO_ERROR, accepted.id!);
    assert.equal(await late, 'ok');
    answer(accepted, {}, 0);
    assert.equal(await held, 'ok');
    assert.equal(pod.streams, 3);
  });
}

test('a graceful shutdown that names its last stream later loses nothing, and crashes nothing', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pod: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
    if (stream.session === pod.sessions[0] && nth > 1) held.push(stream);
    else answer(stream, headers, nth);
  });
  const agent = startAgent(t, [pod], h2c);
  await get(agent);
  const posts = [1, 2, 3].map(() => send(agent, { path: '/', method: 'POST', body: 'x' }));
  while (held.length < 3) await delay(1);
  const [session] = pod.sessions;
  session!.goaway(NGHTTP2_NO_ERROR, ANY_STREAM);
  await delay(20);
  session!.goaway(NGHTTP2_NO_ERROR, held[0]!.id!);
  assert.deepEqual(await Promise.all(posts.slice(1)), ['ok', 'ok']);
  answer(held[0]!, {}, 0);
  assert.equal(await posts[0], 'ok');
});

for (const [last, named] of [
  [ANY_STREAM, 'none'],
  [3, 'an earlier stream'],
] as const) {
  test(`what was being sent when a GOAWAY came that named ${named} runs undisturbed elsewhere`, async (t) => {
    const elsewhere: ServerHttp2Stream[] = [];
    const pod: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
      if (stream.session !== pod.sessions[0]) return elsewhere.push(stream);
      answer(stream, headers, nth);
      // In one piece with the answer: what is sent on hearing that meets the GOAWAY before it is written.
      if (nth === 2) stream.session!.goaway(NGHTTP2_NO_ERROR, last);
    });
    const agent = startAgent(t, [pod], h2c);
    await get(agent);
    const posts = await new Promise<Promise<string>[]>((resolve) => {
      const post = () => send(agent, { path: '/', method: 'POST', body: 'x' });
      agent.dispatch(
        { origin: ORIGIN, path: '/', method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData: () => resolve([post(), post(), post()]),
          onResponseEnd() {},
          onResponseError() {},
        },
      );
    });
    while (elsewhere.length < 3) await delay(1);
    await delay(50);
    assert.deepEqual(
      elsewhere.map(({ aborted }) => aborted),
      [false, false, false],
    );
    for (const stream of elsewhere) answer(stream, {}, 0);
    assert.deepEqual(await Promise.all(posts), ['ok', 'ok', 'ok']);
  });
}

test('what is refused with ENHANCE_YOUR_CALM goes elsewhere, POST or not', async (t) => {
  const pod: H2Pod = await startH2Pod(t, (stream, headers, nth) => {
    if (stream.session !== pod.sessions[0] || nth === 1) answer(stream, headers, nth);
    else if (nth === 4) stream.session!.goaway(NGHTTP2_ENHANCE_YOUR_CALM, 1);
  });
  const agent = startAgent(t, [pod], h2c);
  await get(agent);
  const posts = [1, 2, 3].map(() => send(agent, { path: '/', method: 'POST', body: 'x' }));
  assert.deepEqual(await Promise.all(posts), ['ok', 'ok', 'ok']);
});

for (const code of ['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION']) {
  test(`a request for which a session opens no stream, for ${code}, is left to undici, which has it back`, async () => {
    const thrown = Object.assign(new Error('no more streams'), { code });
    const session = {
      request() {
        throw thrown;
      },
    } as unknown as ClientHttp2Session;
    const streams = new Http2Streams();
    streams.observe(session);
    streams.onStart({ failUnopened: () => assert.fail('it has not failed') } as unknown as Request);
    assert.throws(() => session.request(), thrown);
  });
}

test('what pods give back that all go away at once is served by their next sessions', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pods = await Promise.all(
    [1, 2, 3].map(() =>
      startH2Pod(t, (stream, headers, nth) =>
        headers[':path'] === '/held' ? held.push(stream) : answer(stream, headers, nth),
      ),
    ),
  );
  const agent = startAgent(t, pods, { ...h2c, retry: { attempts: 1, budget: 0, minRetriesPerSecond: 0 } });
  while (agent.stats[ORIGIN]?.connected !== 3) await Promise.all([get(agent), get(agent), get(agent)]);
  const before = [1, 2, 3].map(() => send(agent, { path: '/held', method: 'POST', body: 'x' }));
  while (held.length < 3) await delay(1);
  const first = pods.flatMap(({ sessions }) => sessions);
  for (const session of first) session.goaway(NGHTTP2_NO_ERROR, 2 ** 30);
  for (const session of first) session.close();
  const posts = Array.from({ length: 60 }, () => send(agent, { path: '/', method: 'POST', body: 'x' }));
  assert.deepEqual(new Set(await Promise.all(posts)), new Set(['ok']));
  for (const stream of held) answer(stream, {}, 0);
  assert.deepEqual(await Promise.all(before), ['ok', 'ok', 'ok']);
});

test('what pods refuse that take fewer streams from now on waits for its turn', async (t) => {
  const lowered = new Set<unknown>();
  const pods = await Promise.all(
    [1, 2, 3].map(() =>
      startH2Pod(t, (stream, headers, nth) => {
        if (headers[':method'] !== 'POST') return answer(stream, headers, nth);
        if (!lowered.has(stream.session)) stream.session!.settings({ maxConcurrentStreams: 1 });
        lowered.add(stream.session);
        setTimeout(answer, 10, stream, headers, nth);
      }),
    ),
  );
  const agent = startAgent(t, pods, { ...h2c, retry: { attempts: 1, budget: 0, minRetriesPerSecond: 0 } });
  while (agent.stats[ORIGIN]?.connected !== 3) await Promise.all([get(agent), get(agent), get(agent)]);
  const posts = Array.from({ length: 30 }, () => send(agent, { path: '/', method: 'POST', body: 'x' }));
  assert.deepEqual(new Set(await Promise.all(posts)), new Set(['ok']));
});

test('a connection whose peer takes fewer streams from now on keeps no request from another one', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (headers[':path'] === '/held') held.push(stream);
    else answer(stream, headers, nth);
  });
  const agent = startAgent(t, [pod], h2c);
  await Promise.all([get(agent), get(agent)]);
  const before = [1, 2].map(() => send(agent, { path: '/held', method: 'GET' }));
  while (held.length < 2) await delay(1);
  const [session] = pod.sessions;
  session!.settings({ maxConcurrentStreams: 1 });
  await once(session!, 'localSettings');
  assert.equal(await get(agent), 'ok');
  assert.equal(pod.sessions.length, 2);
  // There is room on the first one again.
  for (const stream of held) answer(stream, {}, 0);
  await Promise.all(before);
  await Promise.all([get(agent), get(agent)]);
  assert.equal(pod.sessions.length, 2);
});

test('what connections refuse that lower their limit is served, however many of them do', async (t) => {
  const lowered = new Set<unknown>();
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (!lowered.has(stream.session)) stream.session!.settings({ maxConcurrentStreams: 1 });
    lowered.add(stream.session);
    answer(stream, headers, nth);
  });
  // What is sent to each at once uses it up, so that each serves one.
  const agent = startAgent(t, [pod], { ...h2c, maxRequestsPerConnection: 10 });
  const stock = startStock(t);
  for (const [client, origin] of [
    [stock, originOf(pod)],
    [agent, ORIGIN],
  ] as const) {
    const gets = Array.from({ length: 30 }, () => send(client, { path: '/', method: 'GET', origin }));
    assert.deepEqual(new Set(await Promise.all(gets)), new Set(['ok']), client.constructor.name);
  }
});

test('what connections of few pods refuse that lower their limit is not overtaken by what comes after it', async (t) => {
  const lowered = new Set<unknown>();
  const onStream: OnStream = (stream, headers, nth) => {
    if (!lowered.has(stream.session)) stream.session!.settings({ maxConcurrentStreams: 1 });
    lowered.add(stream.session);
    answer(stream, headers, nth);
  };
  const agent = startAgent(t, [await startH2Pod(t, onStream), await startH2Pod(t, onStream)], {
    ...h2c,
    maxRequestsPerConnection: 7,
  });
  let attempts = 0;
  const onRetry = (message: unknown) => {
    attempts = Math.max(attempts, (message as { attempt: number }).attempt);
  };
  subscribe('evenkeel:request:retry', onRetry);
  t.after(() => unsubscribe('evenkeel:request:retry', onRetry));
  await Promise.all(Array.from({ length: 150 }, () => get(agent)));
  // Each connection serves the first of those that it is sent.
  assert.ok(attempts < 2 * 7, `${attempts}`);
});

test('a request that a pod refuses each time keeps none from being served, though connections lower their limit', async (t) => {
  const lowered = new Set<unknown>();
  const refused: (string | undefined)[] = [];
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (!lowered.has(stream.session)) stream.session!.settings({ maxConcurrentStreams: 1 });
    lowered.add(stream.session);
    if (headers[':path'] === '/') return answer(stream, headers, nth);
    refused.push(headers[':path']);
    stream.close(NGHTTP2_REFUSED_STREAM);
  });
  const agent = startAgent(t, [pod], { ...h2c, maxRequestsPerConnection: 7 });
  const stock = startStock(t);
  for (const [client, origin] of [
    [stock, originOf(pod)],
    [agent, ORIGIN],
  ] as const) {
    const always = send(client, { path: `/${client.constructor.name}`, method: 'GET', origin });
    const code = always.catch(({ http2ErrorCode }) => http2ErrorCode);
    const gets = Array.from({ length: 60 }, () => send(client, { path: '/', method: 'GET', origin }));
    assert.deepEqual(new Set(await Promise.all(gets)), new Set(['ok']), client.constructor.name);
    assert.equal(await code, NGHTTP2_REFUSED_STREAM, client.constructor.name);
  }
  // Once more in any case, and twice for `retry.attempts`.
  assert.ok(refused.length <= 2 + 3, `${refused}`);
});

test('a pod that lowers its limit, and raises it, each time that it refuses a stream is not asked for ever', async (t) => {
  const refused = new Map<unknown, number>();
  const held: ServerHttp2Stream[] = [];
  const pod = await startH2Pod(t, (stream, { ':path': path }) => {
    if (path === '/held') {
      held.push(stream);
      return;
    }
    refused.set(path, (refused.get(path) ?? 0) + 1);
    const session = stream.session!;
    session.settings({ maxConcurrentStreams: 1 }, () => {
      if (!session.destroyed) session.settings({ maxConcurrentStreams: 100 });
    });
    stream.close(NGHTTP2_REFUSED_STREAM);
  });
  const agent = startAgent(t, [pod], { ...h2c, connections: 1 });
  const before = send(agent, { path: '/held', method: 'GET' });
  while (held.length === 0) await delay(1);
  const posts = Array.from({ length: 5 }, (_, n) =>
    send(agent, { path: `/${n}`, method: 'POST', body: 'x' }).catch(({ http2ErrorCode }) => http2ErrorCode),
  );
  assert.deepEqual(new Set(await Promise.all(posts)), new Set([NGHTTP2_REFUSED_STREAM]));
  // Some are refused before a handler hears of them.
  assert.ok(Math.max(...refused.values()) <= 1 + 32 + 3, `${[...refused.values()]}`);
  answer(held[0]!, {}, 0);
  assert.equal(await before, 'ok');
});

test('a pod that refuses uploads that can be read but once is not ejected for it', async (t) => {
  const pods = await Promise.all(
    [0, 1].map((n) =>
      startH2Pod(t, (stream, headers, nth) => {
        if (n === 0 && headers[':method'] === 'POST') stream.close(NGHTTP2_REFUSED_STREAM);
        else answer(stream, headers, nth);
      }),
    ),
  );
  const agent = startAgent(t, pods, { ...h2c, policy: 'round-robin' });
  const ends = [];
  for (let n = 0; n < 40; n++) {
    ends.push(
      await send(agent, { path: '/', method: 'POST', body: Readable.from(['x']) }).catch(() => 'refused'),
    );
  }
  assert.ok(ends.filter((end) => end === 'refused').length >= 10, `${ends}`);
  assert.deepEqual(
    agent.stats[ORIGIN]!.endpoints.filter(({ state }) => state === 'ejected'),
    [],
  );
});

test("a stream that all refuse fails with undici's error", async (t) => {
  const pod = await startH2Pod(t, (stream) => stream.close(NGHTTP2_REFUSED_STREAM));
  const agent = startAgent(t, [pod], h2c);
  const stock = startStock(t);
  const options = { path: '/', method: 'POST', body: 'x' } as const;
  const theirs = await stock.request({ origin: originOf(pod), ...options }).catch((error) => error);
  const ours = await send(agent, options).catch((error) => error);
  assert.deepEqual(
    [ours.code, ours.message, ours.http2ErrorCode],
    [theirs.code, theirs.message, theirs.http2ErrorCode],
  );
  assert.equal(ours.http2ErrorCode, NGHTTP2_REFUSED_STREAM);
});

for (const retry of [false, { attempts: 0 }, { reasons: ['reset'] }] as const) {
  for (const how of ['refuses its stream', 'goes away'] as const) {
    test(`what a pod has not looked at that ${how} is sent again as with undici: retry ${JSON.stringify(retry)}`, async (t) => {
      const refusing: OnStream = (stream, headers, nth) => {
        if (nth !== 2) answer(stream, headers, nth);
        else if (how === 'goes away') stream.session!.goaway(NGHTTP2_NO_ERROR, 1);
        else stream.close(NGHTTP2_REFUSED_STREAM);
      };
      const [pod, other] = [await startH2Pod(t, refusing), await startH2Pod(t, refusing)];
      const stock = startStock(t);
      const agent = startAgent(t, [other], { ...h2c, retry });
      const options = { path: '/', method: 'POST', body: 'x' } as const;
      const asStock = async () => {
        const { body } = await stock.request({ origin: originOf(pod), ...options });
        return body.text();
      };
      assert.deepEqual([await asStock(), await send(agent, options)], ['ok', 'ok']);
      assert.deepEqual([await asStock(), await send(agent, options)], ['ok', 'ok']);
      assert.deepEqual([pod.streams, other.streams], [3, 3]);
    });
  }
}

test('a refused request whose body is a stream fails: it can be sent but once', async (t) => {
  const refusing = await startH2Pod(t, (stream) => stream.close(NGHTTP2_REFUSED_STREAM));
  const agent = startAgent(t, [refusing, await startH2Pod(t)], { ...h2c, policy: 'round-robin' });
  const results = await Promise.allSettled(
    [1, 2].map(() =>
      send(agent, {
        path: '/',
        method: 'POST',
        body: Readable.from(['some', 'more']),
      }),
    ),
  );
  assert.equal(results.filter(({ status }) => status === 'rejected').length, refusing.streams);
});

test('an event stream that is cut after a GOAWAY ends in an error', async (t) => {
  const pod = await startH2Pod(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
    stream.write('data: 1\n\n');
    stream.session!.goaway(NGHTTP2_NO_ERROR, ANY_STREAM);
  });
  const agent = startAgent(t, [pod], h2c);
  const goneAway = once(agent, 'disconnect');
  const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  const text = body.text();
  await goneAway;
  await delay(20);
  pod.sessions[0]!.socket.destroy();
  await assert.rejects(text, { code: 'UND_ERR_SOCKET' });
  const again = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  const cut = assert.rejects(again.body.text(), { message: 'enough' });
  await delay(20);
  await Promise.all([agent.destroy(new Error('enough')), cut]);
});
