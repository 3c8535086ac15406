import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { openSync } from 'node:fs';
import * as http2 from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { identifyAll } from '../../src/servers/identify.ts';

const HEADER = 'evenkeel-pod';
const FILE = import.meta.filename;

type Answer = (stream: http2.ServerHttp2Stream, request: number) => void;

async function connect(
  t: TestContext,
  server: Server | http2.Http2Server,
): Promise<http2.ClientHttp2Session> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => session.destroy());
  return session;
}

/** A server of HTTP/2 that answers each stream, which it counts. */
function serverOf(answer: Answer): http2.Http2Server {
  let requests = 0;
  return http2.createServer().on('stream', (stream) => answer(stream, ++requests));
}

async function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders = {},
): Promise<http2.IncomingHttpHeaders> {
  const stream = session.request({ ':path': '/', ...headers });
  const [head] = await once(stream, 'response');
  stream.resume();
  await once(stream, 'close');
  return head;
}

/** What the code of a server can see of Node's objects, and the heads that its client gets. */
async function seenByServer(t: TestContext): Promise<unknown> {
  const seen: unknown[] = [];
  const look = (what: string, emitter: NodeJS.EventEmitter): void => {
    const listeners = emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]);
    seen.push([what, listeners, Object.keys(emitter)]);
  };
  const server = http2.createServer();
  look('server', server);
  server.on('session', (session) => look('session', session));
  server.on('stream', (stream) => {
    look('stream', stream);
    look('session', stream.session!);
    seen.push([stream.respond.name, stream.respond.length, stream.sentHeaders]);
    stream.respond({ ':status': 200, 'x-a': '1' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-trailer': '1' }));
    stream.end('hello');
    look('answered stream', stream);
    look('server', server);
  });
  const session = await connect(t, server);
  for (let n = 0; n < 2; n++) {
    const { [HEADER]: _, date: __, ...head } = await ask(session);
    seen.push(head);
  }
  return seen;
}

test('what the code of a server sees is as without names', async (t) => {
  const plain = await seenByServer(t);
  let publications = 0;
  const subscriber = (): void => void publications++;
  identifyAll();
  channel('http2.server.stream.created').subscribe(subscriber);
  t.after(() => channel('http2.server.stream.created').unsubscribe(subscriber));
  assert.deepEqual(await seenByServer(t), plain);
  assert.equal(publications, 2, 'subscribers of the channel get each stream');
});

test('streams are not published for evenkeel, once it has seen one', async (t) => {
  await ask(
    await connect(
      t,
      serverOf((stream) => stream.respond({}, { endStream: true })),
    ),
  );
  assert.equal(channel('http2.server.stream.created').hasSubscribers, false);
});

describe('the first response of a session has the name, and no other', () => {
  const ok: Answer = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
  const ways: Record<string, Answer> = {
    'headers alone': ok,
    'an error': (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    'interim responses first': (stream, request) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      ok(stream, request);
    },
    'trailers after a body': (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end('hello');
    },
    'a file': (stream) => stream.respondWithFile(FILE),
    'a file that is looked at first': (stream) => stream.respondWithFile(FILE, {}, { statCheck: () => {} }),
    'an open file': (stream) => stream.respondWithFD(openSync(FILE, 'r')),
    "a file that isn't there, and then an error": (stream) =>
      stream.respondWithFile(
        `${FILE}.none`,
        {},
        { onError: () => stream.respond({ ':status': 404 }, { endStream: true }) },
      ),
    'headers that Node refuses, and then others': (stream, request) => {
      assert.throws(() => stream.respond({ connection: 'close' }));
      ok(stream, request);
    },
    'one that is pushed': (stream, request) =>
      void stream.pushStream({ ':path': '/a.css' }, (_error, pushed) => {
        pushed.respond({ ':status': 200 });
        pushed.end('a {}');
        ok(stream, request);
      }),
  };
  for (const [way, answer] of Object.entries(ways)) {
    test(way, async (t) => {
      const session = await connect(t, serverOf(answer));
      session.on('stream', (pushed) => {
        pushed.on('push', (head) => assert.equal(head[HEADER], undefined));
        pushed.resume();
      });
      for (const expected of [true, false, false]) assert.equal(HEADER in (await ask(session)), expected);
    });
  }

  test('an answer to HEAD', async (t) => {
    const session = await connect(t, serverOf(ok));
    for (const expected of [true, false]) {
      assert.equal(HEADER in (await ask(session, { ':method': 'HEAD' })), expected);
    }
  });

  test('a stream that ends without a response before', async (t) => {
    const server = serverOf((stream, request) => {
      if (request === 1) stream.on('error', () => {}).close(http2.constants.NGHTTP2_REFUSED_STREAM);
      else ok(stream, request);
    });
    const session = await connect(t, server);
    await assert.rejects(ask(session), { code: 'ERR_HTTP2_STREAM_ERROR' });
    for (const expected of [true, false]) assert.equal(HEADER in (await ask(session)), expected);
  });

  test("a file that isn't there before, with nothing that answers", async (t) => {
    const server = serverOf((stream, request) => {
      if (request > 1) ok(stream, request);
      else stream.on('error', () => {}).respondWithFile(`${FILE}.none`);
    });
    const session = await connect(t, server);
    await assert.rejects(ask(session), { code: 'ERR_HTTP2_STREAM_ERROR' });
    for (const expected of [true, false]) assert.equal(HEADER in (await ask(session)), expected);
  });

  test('the compatible API, whatever its head is written with', async (t) => {
    const heads = [['x-a', '1'], { 'x-a': '1' }, undefined] as unknown as http2.OutgoingHttpHeaders[];
    for (const head of heads) {
      const server = http2.createServer((_, response) => void response.writeHead(201, head).end());
      const session = await connect(t, server);
      for (const expected of [true, false]) {
        const answered = await ask(session);
        assert.equal(answered[':status'], 201);
        assert.equal(answered['x-a'], head && '1');
        assert.equal(HEADER in answered, expected);
      }
    }
  });

  test('an app whose listener fails, where Node answers', async (t) => {
    EventEmitter.captureRejections = true;
    const server = http2.createServer();
    EventEmitter.captureRejections = false;
    server.on('stream', async () => {
      throw new Error('of the app');
    });
    const session = await connect(t, server);
    for (const expected of [true, false]) {
      const answered = await ask(session);
      assert.equal(answered[':status'], 500);
      assert.equal(HEADER in answered, expected);
    }
  });

  test('a server that gets its connections from another one', async (t) => {
    const behind = serverOf(ok);
    const session = await connect(
      t,
      createTcpServer((socket) => void behind.emit('connection', socket)),
    );
    for (const expected of [true, false]) assert.equal(HEADER in (await ask(session)), expected);
  });

  test('a session without a server', async (t) => {
    const server = createTcpServer((socket) => {
      http2.performServerHandshake(socket).on('stream', (stream) => ok(stream, 1));
    });
    const session = await connect(t, server);
    for (const expected of [true, false]) assert.equal(HEADER in (await ask(session)), expected);
  });
});

for (const [address, expected] of [
  ['10.1.2.3', true],
  ['8.8.8.8', false],
] as const) {
  test(`a peer at ${address} ${expected ? 'sees' : 'never sees'} the name`, async (t) => {
    const server = serverOf((stream) => stream.respond({}, { endStream: true }));
    server.prependListener('connection', (socket) => {
      Object.defineProperty(socket, 'remoteAddress', { value: address });
    });
    const session = await connect(t, server);
    assert.equal(HEADER in (await ask(session)), expected);
    assert.equal(HEADER in (await ask(session)), false);
  });
}
