import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { nameHttp1Response } from '../../src/servers/http1-response.ts';
import { nameHttp2Responses } from '../../src/servers/http2-response.ts';
import { identify } from '../../src/servers/identify.ts';
import { certificateFor } from '../support/certificate.ts';

const HEADER = 'evenkeel-pod';
const tls = certificateFor('DNS:orders.prod');

async function listen(
  t: TestContext,
  server: Server | http2.Http2Server,
  host = '127.0.0.1',
): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Answers of a server of HTTP/1.1, on one connection, by their headers. */
function asker(t: TestContext, port: number, secure = false): () => Promise<IncomingHttpHeaders> {
  const agent = secure
    ? new https.Agent({ keepAlive: true, maxSockets: 1 })
    : new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return async () => {
    const options = { host: '127.0.0.1', port, agent, ca: tls.cert, servername: 'orders.prod' };
    const [response] = (await once((secure ? https.request : request)(options).end(), 'response')) as [
      IncomingMessage,
    ];
    response.resume();
    await once(response, 'end');
    return response.headers;
  };
}

const answer: RequestListener = (_request, response) => void response.end('yes');

for (const secure of [false, true]) {
  test(`node:${secure ? 'https' : 'http'}: the first response of each connection has the name, the same for all`, async (t) => {
    const server = secure ? https.createServer(tls, answer) : createServer(answer);
    identify(server);
    identify(server);
    const port = await listen(t, server);
    const names = new Set<unknown>();
    for (let connection = 0; connection < 3; connection++) {
      const ask = asker(t, port, secure);
      names.add((await ask())[HEADER]);
      for (let n = 0; n < 3; n++) assert.equal((await ask())[HEADER], undefined);
    }
    assert.equal(names.size, 1);
    assert.match([...names][0] as string, /^[\w-]{16}$/);
  });
}

test('servers that are not identified name nothing', async (t) => {
  identify(createServer());
  const ask = asker(t, await listen(t, createServer(answer)));
  assert.equal((await ask())[HEADER], undefined);
});

describe('whatever the app writes its head with, the name is added, and nothing else changes', () => {
  const ways: Record<string, RequestListener> = {
    nothing: (_, response) => void response.end(),
    'a body alone': (_, response) => void response.end('yes'),
    'a body in parts': (_, response) => {
      response.write('y');
      response.end('es');
    },
    setHeader: (_, response) => void response.setHeader('x-a', '1').end(),
    flushHeaders: (_, response) => {
      response.setHeader('x-a', '1');
      response.flushHeaders();
      response.end();
    },
    'writeHead without headers': (_, response) => void response.writeHead(201).end(),
    'writeHead with an object': (_, response) => void response.writeHead(201, { 'X-A': '1' }).end(),
    'writeHead with words and an object': (_, response) =>
      void response.writeHead(201, 'Fine', { 'X-A': '1' }).end(),
    'writeHead with names and values in turn': (_, response) =>
      void response.writeHead(201, ['X-A', '1', 'X-A', '2', 'Set-Cookie', 'a', 'Set-Cookie', 'b']).end(),
    'writeHead with pairs': (_, response) =>
      void response
        .writeHead(201, [
          ['X-A', '1'],
          ['X-A', '2'],
        ] as unknown as string[])
        .end(),
    'setHeader, then writeHead with an object': (_, response) => {
      response.setHeader('x-b', '1');
      response.writeHead(201, { 'X-A': '1' }).end();
    },
    'an interim response first': (_, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.writeHead(200, { 'X-A': '1' }).end();
    },
    'a head that Node refuses, and then another one': (_, response) => {
      response.setHeader('x-b', '1');
      assert.throws(() => response.writeHead(99));
      assert.throws(() => response.writeHead(200, { 'x-a': 'a\nb' }));
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.writeHead(500).end();
    },
    'a writeHead of its own': (_, response) => {
      const { writeHead } = response;
      response.writeHead = function (this: typeof response, ...args: unknown[]) {
        this.setHeader('x-b', '1');
        return (writeHead as (...args: unknown[]) => typeof response).apply(this, args);
      } as typeof writeHead;
      response.writeHead(201, { 'X-A': '1' }).end();
    },
  };
  for (const [way, listener] of Object.entries(ways)) {
    test(way, async (t) => {
      const raw = async (isIdentified: boolean) => {
        const server = createServer((request, response) => {
          assert.equal(response.hasHeader(HEADER), false, 'the app sees nothing of it');
          assert.ok(!Object.keys(response).includes('writeHead'), 'nor of what adds it');
          response.sendDate = false;
          listener(request, response);
        });
        if (isIdentified) identify(server);
        const socket = connect(await listen(t, server), '127.0.0.1');
        socket.write('GET / HTTP/1.1\r\nHost: orders.prod\r\nConnection: close\r\n\r\n');
        let text = '';
        for await (const chunk of socket) text += chunk;
        return text;
      };
      const [plain, identified] = [await raw(false), await raw(true)];
      const line = /^evenkeel-pod: [\w-]{16}\r\n/m;
      assert.match(identified, line);
      assert.equal(identified.replace(line, ''), plain);
    });
  }
});

test('a name that the app gives stays', async (t) => {
  const given = { [HEADER]: 'of-its-own' };
  const ways: RequestListener[] = [
    (_, response) => void response.setHeader('Evenkeel-Pod', 'of-its-own').end(),
    (_, response) => void response.writeHead(200, given).end(),
    (_, response) => void response.writeHead(200, ['Evenkeel-Pod', 'of-its-own']).end(),
    (_, response) =>
      void response.writeHead(200, [['Evenkeel-Pod', 'of-its-own']] as unknown as string[]).end(),
  ];
  for (const way of ways) {
    const server = createServer(way);
    identify(server);
    assert.equal((await asker(t, await listen(t, server))())[HEADER], 'of-its-own');
  }
});

test('a connection that is continued first has its name with the response', async (t) => {
  const server = createServer((request, response) => request.pipe(response));
  identify(server);
  const port = await listen(t, server);
  const sent = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    agent: false,
    headers: { expect: '100-continue' },
  });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.end('hello');
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.match(response.headers[HEADER] as string, /./);
  response.resume();
});

for (const [what, expected] of [
  ['10.1.2.3', true],
  ['::ffff:10.1.2.3', true],
  ['fd00::1', true],
  ['100.64.0.1', true],
  ['8.8.8.8', false],
  ['2001:db8::1', false],
  ['169.254.1.1', false],
  [undefined, false],
] as const) {
  test(`a peer at ${what ?? 'a path, not an address,'} ${expected ? 'sees' : 'never sees'} the name`, async (t) => {
    const server = createServer(answer);
    server.prependListener('connection', (socket) => {
      Object.defineProperty(socket, 'remoteAddress', { value: what });
    });
    identify(server);
    assert.equal(HEADER in (await asker(t, await listen(t, server))()), expected);
  });
}

describe('node:http2', () => {
  const ways: Record<string, (server: http2.Http2Server) => void> = {
    'the compatible API': (server) => void server.on('request', (_, response) => void response.end('yes')),
    respond: (server) =>
      void server.on('stream', (stream: http2.ServerHttp2Stream) => {
        stream.respond({ ':status': 200, 'x-a': '1' });
        stream.end();
      }),
    'respond without headers': (server) =>
      void server.on('stream', (stream: http2.ServerHttp2Stream) => {
        stream.respond();
        stream.end();
      }),
    'a file': (server) =>
      void server.on('stream', (stream: http2.ServerHttp2Stream) =>
        stream.respondWithFile(import.meta.filename),
      ),
  };
  for (const [way, serve] of Object.entries(ways)) {
    for (const secure of [false, true]) {
      test(`${way}${secure ? ', over TLS' : ''}: the first response of each connection has the name`, async (t) => {
        const server = secure ? http2.createSecureServer(tls) : http2.createServer();
        serve(server);
        identify(server);
        const port = await listen(t, server);
        for (let connection = 0; connection < 2; connection++) {
          const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
            ca: tls.cert,
            servername: 'orders.prod',
          });
          t.after(() => session.destroy());
          for (const expected of [true, false, false]) {
            const stream = session.request({ ':path': '/' });
            const [headers] = await once(stream, 'response');
            assert.equal(HEADER in headers, expected);
            stream.resume();
            await once(stream, 'end');
          }
        }
      });
    }
  }

  test('headers that an app gives as a list stay sensitive, and what is no headers is for Node to refuse', () => {
    const seen: unknown[] = [];
    const respond = (headers: unknown) => seen.push(headers);
    const named = () => {
      const stream = Object.create({
        respond,
        respondWithFD() {},
        respondWithFile() {},
      }) as http2.ServerHttp2Stream;
      nameHttp2Responses(stream, () => true);
      return stream;
    };
    named().respond(Object.assign(['secret', '1'], { [http2.sensitiveHeaders]: ['secret'] }));
    named().respond(null as unknown as undefined);
    const [list, none] = seen as [string[] & { [http2.sensitiveHeaders]?: string[] }, unknown];
    assert.deepEqual([...list].slice(0, 3), ['secret', '1', HEADER]);
    assert.deepEqual(list[http2.sensitiveHeaders], ['secret']);
    assert.equal(none, null);
  });

  test('of several streams, the one that is answered first has it', async (t) => {
    const streams: http2.ServerHttp2Stream[] = [];
    const all = Promise.withResolvers<void>();
    const server = http2.createServer();
    server.on('stream', (stream: http2.ServerHttp2Stream) => streams.push(stream) === 3 && all.resolve());
    identify(server);
    const session = http2.connect(`http://127.0.0.1:${await listen(t, server)}`);
    t.after(() => session.destroy());
    const asked = Array.from({ length: 3 }, async () => {
      const stream = session.request({ ':path': '/' });
      const [headers] = await once(stream, 'response');
      stream.resume();
      return HEADER in headers;
    });
    await all.promise;
    for (const n of [2, 0, 1]) {
      streams[n]!.respond({ ':status': 200 });
      streams[n]!.end();
    }
    assert.deepEqual(await Promise.all(asked), [false, false, true]);
  });

  test('a client of HTTP/1.1 at a server of both sees it as well', async (t) => {
    const server = http2.createSecureServer(
      { ...tls, allowHTTP1: true },
      (_, response) => void response.end(),
    );
    identify(server);
    const ask = asker(t, await listen(t, server), true);
    assert.match((await ask())[HEADER] as string, /./);
    assert.equal((await ask())[HEADER], undefined);
  });
});

test('a response whose head is written already is left alone', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200);
    nameHttp1Response(response);
    assert.throws(() => response.writeHead(200), { code: 'ERR_HTTP_HEADERS_SENT' });
    response.end();
  });
  assert.equal((await asker(t, await listen(t, server))())[HEADER], undefined);
});
