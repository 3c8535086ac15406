// What callers and the state tell of failures, beside connect-node's own session manager.
import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { type BalancedSessions, balancedSessions, type SessionState } from '../../../src/connect.ts';
import { certificateFor } from '../../support/certificate.ts';
import { EchoClient } from '../../support/connect-client.ts';
import { startConnectPod } from '../../support/connect-pod.ts';
import { startH2Pod } from '../../support/h2-pod.ts';
import { startRawServer } from '../../support/raw-server.ts';

type Sessions = Pick<BalancedSessions, 'state' | 'error' | 'abort'>;

/** Starts a server, and returns the URL to call it at. */
type Start = (t: TestContext) => Promise<string>;

const HEAD = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** With a message that says nothing. */
function answer(stream: ServerHttp2Stream): void {
  stream.respond(HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

/**
 * A pod that answers a first call, so that both sides have a session, and does something when it has read all of the next
 * one: what Node tells of a session that ends while it is new is a matter of moments.
 */
function onCall(act: (stream: ServerHttp2Stream, socket: Socket) => void): Start {
  return async (t) => {
    let socket: Socket;
    const pod = await startH2Pod(t, (stream, _, nth) => {
      if (nth === 1) answer(stream);
      else stream.on('end', () => act(stream, socket)).resume();
    });
    pod.server.on('connection', (each: Socket) => {
      socket = each.on('error', () => {});
    });
    return `http://${pod.endpoint.address}:${pod.endpoint.port}`;
  };
}

/** Something that takes connections. */
function onConnection(act: (socket: Socket) => void): Start {
  return async (t) => {
    const { endpoint } = await startRawServer(t, act);
    return `http://${endpoint.address}:${endpoint.port}`;
  };
}

async function nobody(t: TestContext): Promise<string> {
  const { server, endpoint } = await startH2Pod(t);
  server.close();
  return `http://${endpoint.address}:${endpoint.port}`;
}

async function withTls(t: TestContext): Promise<string> {
  const { address, port } = await startConnectPod(t, { certificate: certificateFor('DNS:orders.prod') });
  return `https://${address}:${port}`;
}

const nothing = () => {};

interface Failure {
  readonly start: Start;
  /** Whether a first call is answered. */
  readonly served?: boolean;
  /** The state that is left. */
  readonly state: SessionState;
  /** What is done to the sessions when a call is under way. */
  readonly act?: (sessions: Sessions) => void;
}

const FAILURES: Record<string, Failure> = {
  'nobody listens': { start: nobody, state: 'error' },
  'the certificate is not trusted': { start: withTls, state: 'error' },
  'the server speaks another protocol': {
    start: onConnection((socket) => socket.write('220 ready\r\n'.repeat(9))),
    state: 'error',
  },
  'the connection is reset': {
    served: true,
    start: onCall((_, socket) => setImmediate(() => socket.resetAndDestroy())),
    state: 'error',
  },
  'the connection ends': {
    served: true,
    start: onCall((_, socket) => setImmediate(() => socket.end())),
    state: 'closed',
  },
  'the session ends with an error': {
    served: true,
    start: onCall(({ session }) => session!.goaway(2)),
    state: 'error',
  },
  'the stream is refused': { served: true, start: onCall((stream) => stream.close(7)), state: 'idle' },
  'it is aborted while it connects': {
    start: onConnection(nothing),
    act: (sessions) => sessions.abort(),
    state: 'closed',
  },
  'it is aborted while it is served': {
    served: true,
    start: onCall(nothing),
    act: (sessions) => sessions.abort(),
    state: 'closed',
  },
  'it is aborted with an error': {
    served: true,
    start: onCall(nothing),
    act: (sessions) => sessions.abort(new Error('enough')),
    state: 'error',
  },
  'it is aborted with an error of connect': {
    served: true,
    start: onCall(nothing),
    act: (sessions) => sessions.abort(new ConnectError('enough', Code.Aborted)),
    state: 'error',
  },
};

/** Without what differs from run to run: ports. */
function described(error: unknown): unknown {
  if (!(error instanceof ConnectError)) return error;
  const { code, rawMessage, cause } = error;
  const { name, code: reason, message } = (cause ?? {}) as NodeJS.ErrnoException;
  return { code: Code[code], rawMessage, cause: cause && { name, reason, message } };
}

async function told(
  t: TestContext,
  { start, served, act, state }: Failure,
  isStock: boolean,
): Promise<unknown> {
  const baseUrl = await start(t);
  const sessions = isStock ? new Http2SessionManager(baseUrl) : balancedSessions(baseUrl);
  t.after(() => {
    sessions.abort();
    return 'close' in sessions ? sessions.close() : undefined;
  });
  const client = new EchoClient(createGrpcTransport({ baseUrl, sessionManager: sessions }));
  if (served) await client.call();
  const failing = client.call().then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  if (act !== undefined) {
    // As far as it comes.
    await sleep(50);
    act(sessions);
  }
  const error = await failing;
  // A session ends after its streams.
  const until = performance.now() + 5_000;
  while (sessions.state() !== state && performance.now() < until) await sleep(1);
  const all = JSON.stringify([described(error), sessions.state(), described(sessions.error()) ?? null]);
  return JSON.parse(all.replaceAll(new URL(baseUrl).host, 'HOST').replaceAll(/[0-9A-F]{16}/g, 'ID'));
}

for (const [name, failure] of Object.entries(FAILURES)) {
  test(`${name}: the error, its cause and the state are those that connect-node tells`, async (t) => {
    const [stock, ours] = await Promise.all([told(t, failure, true), told(t, failure, false)]);
    assert.deepEqual(ours, stock);
  });
}
