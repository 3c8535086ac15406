// What callers are told when servers misbehave, beside connect-node's own session manager.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type CallOptions, Code, ConnectError } from '@connectrpc/connect';
import { Http2SessionManager } from '@connectrpc/connect-node';
import { balancedSessions } from '../../../src/connect.ts';
import { EchoClient, PROTOCOLS } from '../../support/connect-client.ts';
import { startH2Pod } from '../../support/h2-pod.ts';

type Misbehave = (stream: ServerHttp2Stream, socket: Socket) => void;

const HEAD = { ':status': 200, 'content-type': 'application/grpc+proto' };
/** A message with a text of two letters. */
const MESSAGE = Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 104, 105]);

function answer(stream: ServerHttp2Stream): void {
  stream.respond(HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(MESSAGE);
}

/** Begins to answer, and does something else when its caller may have read that. */
function begin(stream: ServerHttp2Stream, then: () => void): void {
  stream.respond(HEAD);
  stream.write(MESSAGE);
  setTimeout(then, 10);
}

function nothing(): void {}

const MISBEHAVIOURS: Record<string, Misbehave> = {
  'answers as it should': answer,
  'ends the session': (stream) => setImmediate(() => stream.session?.destroy()),
  'ends the connection': (_, socket) => socket.end(),
  'ends the connection after a message': (stream, socket) => begin(stream, () => socket.end()),
  'resets the stream after a message': (stream) => begin(stream, () => stream.close(2)),
  'cancels the stream after a message': (stream) => begin(stream, () => stream.close(8)),
  'goes away, and answers': (stream) => {
    stream.session?.close();
    setTimeout(answer, 10, stream);
  },
  'goes away with an error': (stream) => stream.session?.goaway(2),
  'has had too many pings': (stream) => stream.session?.goaway(11, 0, Buffer.from('too_many_pings')),
  'answers 503': (stream) => {
    stream.respond({ ':status': 503 });
    stream.end();
  },
  'sends no trailers': (stream) => {
    stream.respond(HEAD);
    stream.end(MESSAGE);
  },
  'sends trailers only': (stream) => stream.respond({ ...HEAD, 'grpc-status': '14' }, { endStream: true }),
  'is a web server': (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end('hello');
  },
  'says nothing': nothing,
  ...Object.fromEntries(
    [0, 1, 2, 5, 7, 8, 11, 12].map((code) => [
      `resets the stream with code ${code}`,
      (stream: ServerHttp2Stream) => stream.close(code),
    ]),
  ),
};

const KINDS: Record<string, (client: EchoClient, options: CallOptions) => Promise<unknown>> = {
  unary: (client, options) => client.call(options),
  'server stream': async (client, options) => {
    let messages = 0;
    for await (const _ of client.echo.serverStream({ value: '3' }, options)) messages++;
    return messages;
  },
  bidi: (client, options) => client.bidi(options).say('one'),
};

/** What a caller is told, of a server of its own. */
async function told(t: TestContext, misbehave: Misbehave, kind: string, isStock: boolean): Promise<string> {
  const sockets: Socket[] = [];
  const pod = await startH2Pod(t, (stream) => misbehave(stream, sockets.at(-1)!));
  pod.server.prependListener('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
  const { address, port } = pod.endpoint;
  const baseUrl = `http://${address}:${port}`;
  const sessionManager = isStock ? new Http2SessionManager(baseUrl) : balancedSessions(baseUrl);
  const client = new EchoClient(PROTOCOLS.gRPC({ baseUrl, sessionManager }));
  try {
    return `answer: ${await KINDS[kind]!(client, misbehave === nothing ? { timeoutMs: 100 } : {})}`;
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]}: ${rawMessage}`;
  } finally {
    sessionManager.abort();
    if ('close' in sessionManager) await sessionManager.close();
    for (const socket of sockets) {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    }
  }
}

describe('a server that', { concurrency: 4 }, () => {
  for (const [name, misbehave] of Object.entries(MISBEHAVIOURS)) {
    test(`${name}: callers are told what connect-node’s own sessions tell them`, async (t) => {
      for (const kind of Object.keys(KINDS)) {
        const [stock, ours] = await Promise.all([
          told(t, misbehave, kind, true),
          told(t, misbehave, kind, false),
        ]);
        assert.equal(ours, stock, kind);
      }
    });
  }
});
