import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createH2cServer, createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createSecureH1Server } from 'node:https';
import net, { type AddressInfo, createConnection, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { Agent, type buildConnector, type Dispatcher } from 'undici';
import { REPLACED } from '../../../src/config/client-options.ts';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { certificateFor } from '../../support/certificate.ts';
import {
  AGENT_OPTIONS,
  CONNECT_OPTIONS,
  EVENT_SOURCE_OPTIONS,
  H2_OPTIONS,
  TLS_OPTIONS,
  WEB_SOCKET_OPTIONS,
} from '../../support/option-names.ts';
import { nextAddress, settle } from '../../support/pods.ts';
import { ranFor } from '../../support/stopwatch.ts';

const certificate = certificateFor('DNS:orders.prod', 'DNS:other.prod', 'IP:127.0.0.1');
const trusted = { connect: { rejectUnauthorized: false } };

/** What a server saw of its callers. */
interface Seen {
  readonly sockets: Socket[];
  readonly requests: IncomingMessage[];
  readonly sessions: ServerHttp2Session[];
  pings: number;
  streams: number;
  mostStreams: number;
}

/** One of undici's own, or ours, against a server of its own. */
interface Scene {
  readonly agent: Dispatcher;
  readonly origin: string;
  readonly seen: Seen;
}

/** What an option brings about, with undici's Agent as with ours, and what it is like without. */
interface Proof {
  /** Its value; it need not be given where the options around it have it. */
  readonly options: object;
  readonly without?: object;
  readonly server?: 'http' | 'https' | 'h2' | 'h2c' | 'mute' | 'unix';
  /** What comes of it: the same by both, and something else without the option, unless it changes nothing to be seen. */
  readonly outcome: (scene: Scene) => Promise<unknown>;
  readonly unseen?: true;
}

const ROUTES: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/silent': () => {},
  '/half': (_request, response) => void response.write('half'),
  '/headers': (_request, response) => response.setHeader('x-long', 'x'.repeat(2_000)).end(),
  '/big': (_request, response) => response.end('x'.repeat(2_000)),
  '/hint': (_request, response) => response.setHeader('keep-alive', 'timeout=5').end(),
};

const SERVERS = {
  http: () => createServer(),
  unix: () => createServer(),
  https: () => createSecureH1Server(certificate),
  h2: () => createSecureServer({ ...certificate, allowHTTP1: true }),
  h2c: () => createH2cServer(),
  mute: () => net.createServer(),
};
let unixSockets = 0;

async function startServer(t: TestContext, kind: keyof typeof SERVERS): Promise<[string, Seen, string]> {
  const server = SERVERS[kind]() as Server;
  const seen: Seen = { sockets: [], requests: [], sessions: [], pings: 0, streams: 0, mostStreams: 0 };
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => {
    seen.sockets.push(socket);
    socket.on('error', () => {});
  });
  server.on('session', (session: ServerHttp2Session) => {
    seen.sessions.push(session);
    session.on('ping', () => seen.pings++);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    seen.requests.push(request);
    seen.mostStreams = Math.max(seen.mostStreams, ++seen.streams);
    response.on('close', () => seen.streams--);
    const answer = ROUTES[request.url!] ?? (() => void setImmediate(() => response.end('ok')));
    answer(request, response);
  });
  const path = join(tmpdir(), `evenkeel-${process.pid}-${++unixSockets}.sock`);
  if (kind === 'unix') server.listen(path);
  else server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of seen.sockets) socket.destroy();
  });
  const { address, port } = server.address() as AddressInfo;
  const scheme = ['https', 'h2', 'mute'].includes(kind) ? 'https' : 'http';
  return [kind === 'unix' ? 'http://orders.prod' : `${scheme}://${address}:${port}`, seen, path];
}

/** A response, or the code of the error. */
async function sent({ agent, origin }: Scene, path = '/', more: object = {}): Promise<unknown> {
  try {
    const { body, statusCode } = await agent.request({ origin, path, method: 'GET', ...more });
    return [statusCode, (await body.text()).length];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

/** Whether the first connection is closed soon after its request, by the client. */
async function isClosedSoon(scene: Scene, path: string): Promise<boolean> {
  await sent(scene, path);
  const [socket] = scene.seen.sockets;
  // It is closed after a tenth of a second, or after three seconds and more.
  const late = new Promise((resolve) => setTimeout(resolve, 2_500).unref()).then(settle).then(() => false);
  return Promise.race([once(socket!, 'close').then(() => true), late]);
}

async function resumed(scene: Scene): Promise<boolean[]> {
  for (let i = 0; i < 3; i++) await sent(scene);
  return scene.seen.requests.map(({ socket }) => (socket as TLSSocket).isSessionReused());
}

const http1 = { allowH2: false, pipelining: 0, ...trusted };
const oneSession = { ...trusted, connections: 1 };

const PROOFS: Record<string, Proof> = {
  allowH2: {
    options: { allowH2: false, ...trusted },
    without: trusted,
    server: 'h2',
    outcome: async (scene) => [await sent(scene), scene.seen.requests[0]!.httpVersion],
  },
  autoSelectFamily: { options: { autoSelectFamily: true }, outcome: (scene) => sent(scene), unseen: true },
  autoSelectFamilyAttemptTimeout: {
    options: { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 100 },
    outcome: (scene) => sent(scene),
    unseen: true,
  },
  bodyTimeout: { options: { bodyTimeout: 100 }, outcome: (scene) => inTime(sent(scene, '/half')) },
  connect: {
    options: { connect: (_: unknown, done: (error: Error) => void) => done(new Error('no')) },
    outcome: (scene) => sent(scene),
  },
  connectTimeout: {
    options: { connectTimeout: 100 },
    server: 'mute',
    outcome: (scene) => inTime(sent(scene)),
  },
  connections: {
    options: { connections: 2 },
    outcome: async (scene) => {
      await Promise.all(Array.from({ length: 6 }, () => sent(scene)));
      return scene.seen.sockets.length;
    },
  },
  connectionWindowSize: {
    options: { connectionWindowSize: 100_000, ...trusted },
    without: trusted,
    server: 'h2',
    outcome: async (scene) => [await sent(scene), scene.seen.sessions[0]!.state.remoteWindowSize],
  },
  eventSource: {
    options: { eventSource: { maxEventSize: 7 } },
    outcome: async ({ agent }) => (agent as unknown as BalancedAgent).eventSourceOptions,
  },
  h2Options: {
    // undici's Agent takes no notice of it, but where it makes a Client itself.
    options: { h2Options: { useH2c: true }, connections: 1 },
    server: 'h2c',
    outcome: (scene) => sent(scene),
  },
  headersTimeout: { options: { headersTimeout: 100 }, outcome: (scene) => inTime(sent(scene, '/silent')) },
  initialWindowSize: {
    options: { initialWindowSize: 100_000, ...trusted },
    without: trusted,
    server: 'h2',
    outcome: async (scene) => [await sent(scene), scene.seen.sessions[0]!.remoteSettings.initialWindowSize],
  },
  keepAliveMaxTimeout: {
    options: { keepAliveMaxTimeout: 100 },
    outcome: (scene) => isClosedSoon(scene, '/hint'),
  },
  keepAliveTimeout: { options: { keepAliveTimeout: 100 }, outcome: (scene) => isClosedSoon(scene, '/') },
  keepAliveTimeoutThreshold: {
    options: { keepAliveTimeoutThreshold: 4_900 },
    outcome: (scene) => isClosedSoon(scene, '/hint'),
  },
  localAddress: {
    options: { localAddress: '127.9.9.9' },
    outcome: async (scene) => [await sent(scene), scene.seen.sockets[0]!.remoteAddress],
  },
  maxCachedSessions: {
    options: { maxCachedSessions: 0, ...http1 },
    without: http1,
    server: 'https',
    outcome: resumed,
  },
  maxConcurrentStreams: {
    options: { maxConcurrentStreams: 2, ...oneSession },
    without: oneSession,
    server: 'h2',
    outcome: async (scene) => {
      await sent(scene);
      await Promise.all(Array.from({ length: 6 }, () => sent(scene)));
      return scene.seen.mostStreams;
    },
  },
  maxHeaderSize: { options: { maxHeaderSize: 1_000 }, outcome: (scene) => sent(scene, '/headers') },
  maxResponseSize: { options: { maxResponseSize: 1_000 }, outcome: (scene) => sent(scene, '/big') },
  pingInterval: {
    options: { pingInterval: 50, ...trusted },
    without: { pingInterval: 0, ...trusted },
    server: 'h2',
    outcome: async (scene) => {
      void sent(scene, '/silent');
      await ranFor(500);
      return scene.seen.pings > 2;
    },
  },
  pipelining: {
    options: { pipelining: 0 },
    outcome: async (scene) => {
      await sent(scene);
      return [await sent(scene), scene.seen.sockets.length, scene.seen.requests[0]!.headers.connection];
    },
  },
  socketPath: { options: {}, server: 'unix', outcome: (scene) => sent(scene), unseen: true },
  strictContentLength: {
    options: { strictContentLength: false },
    outcome: (scene) => sent(scene, '/', { method: 'PUT', body: 'four', headers: { 'content-length': '2' } }),
  },
  tls: {
    options: { tls: { rejectUnauthorized: false } },
    server: 'https',
    outcome: (scene) => sent(scene),
  },
  useMilo: { options: { useMilo: false }, outcome: (scene) => sent(scene), unseen: true },
  webSocket: {
    options: { webSocket: { maxFragments: 7 } },
    outcome: async ({ agent }) => (agent as unknown as BalancedAgent).webSocketOptions,
  },
  'h2Options.connectionWindowSize': {
    options: { h2Options: { connectionWindowSize: 100_000 }, ...trusted },
    without: trusted,
    server: 'h2',
    outcome: async (scene) => [await sent(scene), scene.seen.sessions[0]!.state.remoteWindowSize],
  },
  'h2Options.maxConcurrentStreams': {
    options: { h2Options: { maxConcurrentStreams: 2 }, ...oneSession },
    without: oneSession,
    server: 'h2',
    outcome: async (scene) => {
      await sent(scene);
      await Promise.all(Array.from({ length: 6 }, () => sent(scene)));
      return scene.seen.mostStreams;
    },
  },
  'h2Options.pingInterval': {
    options: { h2Options: { pingInterval: 50 }, ...trusted },
    without: { h2Options: { pingInterval: 0 }, ...trusted },
    server: 'h2',
    outcome: async (scene) => {
      void sent(scene, '/silent');
      await ranFor(500);
      return scene.seen.pings > 2;
    },
  },
  'h2Options.useH2c': {
    // undici's Agent takes no notice of it, but where it makes a Client itself.
    options: { h2Options: { useH2c: true }, connections: 1 },
    server: 'h2c',
    outcome: (scene) => sent(scene),
  },
  // undici does not look at more of it than this.
  'h2Options.settings': {
    options: { h2Options: { settings: { initialWindowSize: 100_000 } }, ...trusted },
    without: trusted,
    server: 'h2',
    outcome: async (scene) => [await sent(scene), scene.seen.sessions[0]!.remoteSettings.initialWindowSize],
    unseen: true,
  },
  'webSocket.maxFragments': {
    options: { webSocket: { maxFragments: 7 } },
    outcome: async ({ agent }) => (agent as unknown as BalancedAgent).webSocketOptions,
  },
  'webSocket.maxPayloadSize': {
    options: { webSocket: { maxPayloadSize: 7 } },
    outcome: async ({ agent }) => (agent as unknown as BalancedAgent).webSocketOptions,
  },
  'eventSource.maxEventSize': {
    options: { eventSource: { maxEventSize: 7 } },
    outcome: async ({ agent }) => (agent as unknown as BalancedAgent).eventSourceOptions,
  },
};

/** Those whose difference is in the docs: the cache of services makes room where undici's refuses. */
const DOCUMENTED = ['maxOrigins'];

const within = (group: string, names: readonly string[]) => names.map((name) => `${group}.${name}`);
const ALL = new Set([
  ...AGENT_OPTIONS,
  ...within('h2Options', H2_OPTIONS),
  ...within('webSocket', WEB_SOCKET_OPTIONS),
  ...within('eventSource', EVENT_SOURCE_OPTIONS),
]);

/** A short answer, or that there is none. */
function inTime(answer: Promise<unknown>): Promise<unknown> {
  return Promise.race([answer, ranFor(1_000).then(() => 'too late')]);
}

async function outcomeOf(
  t: TestContext,
  proof: Proof,
  make: (options: object) => Dispatcher,
  options: object,
): Promise<unknown> {
  const [origin, seen, path] = await startServer(t, proof.server ?? 'http');
  const agent = make(proof.server === 'unix' ? { ...options, socketPath: path } : options);
  try {
    return await proof.outcome({ agent, origin, seen });
  } finally {
    await agent.destroy();
  }
}

for (const name of ALL) {
  if (Object.hasOwn(REPLACED, name)) {
    test(`${name} is refused by its name`, () => {
      const options = { [name]: name === 'factory' ? () => {} : 5 } as BalancedAgentOptions;
      assert.throws(
        () => new BalancedAgent(options),
        new RegExp(`^InvalidArgumentError: unsupported ${name}, use `),
      );
    });
  } else if (!DOCUMENTED.includes(name)) {
    test(`${name} means what it means in undici`, async (t) => {
      const proof = PROOFS[name];
      assert.ok(proof, `${name} is neither proven nor refused`);
      const ours = (options: object) => new BalancedAgent(options);
      const [stock, balanced, without] = await Promise.all([
        outcomeOf(t, proof, (options) => new Agent(options), proof.options),
        outcomeOf(t, proof, ours, proof.options),
        outcomeOf(t, proof, ours, proof.without ?? {}),
      ]);
      assert.deepEqual(balanced, stock);
      if (!proof.unseen) assert.notDeepEqual(without, stock);
    });
  }
}

/** What Node is told to connect with, when a dispatcher has a request for an origin. */
async function connectedWith(
  t: TestContext,
  agent: Dispatcher,
  origin: string,
): Promise<Record<string, unknown>> {
  const given: Record<string, unknown>[] = [];
  const refuse = (options: Record<string, unknown>) => {
    given.push(options);
    const socket = new net.Socket();
    queueMicrotask(() => socket.destroy(new Error('not now')));
    return socket;
  };
  const mocks = [
    t.mock.method(tls, 'connect', refuse as never),
    t.mock.method(net, 'connect', refuse as never),
  ];
  await assert.rejects(agent.request({ origin, path: '/', method: 'GET' }));
  for (const { mock } of mocks) mock.restore();
  await agent.destroy();
  // Known to be one address, of which a family need not be selected; the port is a number, as a resolver has it.
  const { autoSelectFamily, port, ...others } = given[0]!;
  return { ...others, port: Number(port) };
}

/** Something that undici lets through for the name. */
function sampleOf(name: string): unknown {
  if (name === 'allowH2' || name === 'preferH2' || name === 'keepAlive') return true;
  if (name === 'maxCachedSessions' || name === 'keepAliveInitialDelay' || name === 'timeout') return 7;
  if (name === 'session') return Buffer.from('session');
  if (name === 'servername') return 'other.prod';
  return name === 'port' ? 1 : `a ${name}`;
}

const BY_NAME = { connect: new Set([...CONNECT_OPTIONS, ...TLS_OPTIONS]), tls: new Set(TLS_OPTIONS) };
for (const [group, names] of Object.entries(BY_NAME)) {
  for (const name of names) {
    if (name === 'lookup') {
      test(`${group}.lookup is refused by its name`, () => {
        const options = { [group]: { lookup: () => {} } };
        assert.throws(() => new BalancedAgent(options), {
          message: `unsupported ${group}.lookup, use discovery instead`,
        });
      });
      continue;
    }
    test(`${group}.${name} comes to Node as undici hands it over`, async (t) => {
      for (const origin of ['https://127.0.0.1:7', 'http://127.0.0.1:7']) {
        const options = { [group]: { [name]: sampleOf(name) } };
        const stock = await connectedWith(t, new Agent(options), origin);
        const ours = await connectedWith(t, new BalancedAgent(options), origin);
        assert.deepEqual(ours, stock, origin);
      }
    });
  }
}

test('a servername of one’s own is asked for and checked, unless the request has one', async (t) => {
  const seen: unknown[] = [];
  const server = tls.createServer({
    ...certificate,
    SNICallback: (name, done) => {
      seen.push(name);
      done(null);
    },
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  server.on('secureConnection', (socket) => socket.on('error', () => {}).end());
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  const origin = `https://${address}:${port}`;
  const ca = certificate.cert;
  for (const options of [
    { connect: { ca, servername: 'other.prod' } },
    { tls: { ca, servername: 'other.prod' } },
    { tls: { ca, servername: 'nobody.prod' }, connect: { servername: 'other.prod' } },
    { connect: { ca, servername: 'unknown.prod' } },
  ] as BalancedAgentOptions[]) {
    const outcomes = [];
    for (const agent of [new Agent(options as Agent.Options), new BalancedAgent(options)]) {
      const codes = [];
      for (const headers of [{}, { host: 'orders.prod' }])
        codes.push(await sent({ agent, origin, seen: undefined as never }, '/', { headers }));
      outcomes.push([codes, seen.splice(0).filter((name, index, all) => all.indexOf(name) === index)]);
      await agent.destroy();
    }
    assert.deepEqual(outcomes[1], outcomes[0], JSON.stringify(options));
  }
});

/** A Duplex that is no socket. */
function duplexFor(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => socket.resume(),
    write: (chunk, encoding, done) => void socket.write(chunk, encoding, () => done()),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
    final: (done) => void socket.end(done),
  });
  socket.on('data', (chunk) => duplex.push(chunk) || socket.pause());
  socket.on('end', () => duplex.push(null));
  socket.on('close', () => duplex.destroy());
  return duplex;
}

test('a connector may give a plain Duplex, and is told what undici tells it', async (t) => {
  const outcomes = [];
  for (const Class of [Agent, BalancedAgent]) {
    const [origin, seen] = await startServer(t, 'http');
    const told: object[] = [];
    const connect: buildConnector.connector = ({ port, hostname, ...others }, done) => {
      told.push(others);
      const socket = createConnection(Number(port), hostname, () => done(null, duplexFor(socket) as Socket));
    };
    const agent = new Class({ connect, allowH2: false });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await sent({ agent, origin, seen }));
    const names = told.map((options) =>
      Object.entries(options).filter(([key]) => key !== 'host' && key !== 'servername'),
    );
    outcomes.push([answers, names[0]]);
    await agent.close();
  }
  assert.deepEqual(outcomes[1], outcomes[0]);
});

test('a Unix socket that a connector names is all that is connected to', async (t) => {
  const [, seen, path] = await startServer(t, 'unix');
  for (const connect of [{ socketPath: path }, { path }]) {
    const agent = new BalancedAgent({ connect });
    assert.deepEqual(await sent({ agent, origin: 'http://orders.invalid', seen }), [200, 2]);
    assert.deepEqual(agent.stats, {});
    await agent.close();
  }
});

test('null is as good as none', async (t) => {
  const [origin, seen] = await startServer(t, 'http');
  const none = {
    connectTimeout: null,
    clientTtl: null,
    maxRequestsPerClient: null,
    keepAliveTimeout: null,
    connect: null,
  };
  const agent = new BalancedAgent(none as never);
  assert.deepEqual(await sent({ agent, origin, seen }), [200, 2]);
  await agent.close();
});

test('with connections: n, dispatch() says false from the n-th on, cold as well as warm, and drain follows', async (t) => {
  const handler = (done: () => void): Dispatcher.DispatchHandler => ({
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd: done,
    onResponseError: done,
  });
  for (const Class of [Agent, BalancedAgent]) {
    const [origin] = await startServer(t, 'http');
    const agent = new Class({ connections: 3 });
    // When it is warm, undici's counts connections as busy that have just become free.
    for (const round of Class === Agent ? ['cold'] : ['cold', 'warm']) {
      const drained = once(agent, 'drain');
      const said: boolean[] = [];
      const ended = Array.from(
        { length: 5 },
        () =>
          new Promise<void>((resolve) => {
            said.push(agent.dispatch({ origin, path: '/', method: 'GET' }, handler(resolve)));
          }),
      );
      assert.deepEqual(said, [true, true, false, false, false], `${Class.name}, ${round}`);
      await Promise.all([...ended, drained]);
    }
    await agent.close();
  }
});

test('however many requests wait, all are served', async (t) => {
  const [origin, seen] = await startServer(t, 'http');
  const agent = new BalancedAgent({ connections: 10 });
  const answers = await Promise.all(Array.from({ length: 3_000 }, () => sent({ agent, origin, seen })));
  assert.deepEqual(new Set(answers.map(String)), new Set(['200,2']));
  await agent.close();
});

test('a second close() is told what undici tells it', async (t) => {
  for (const Class of [Agent, BalancedAgent]) {
    const [origin, seen] = await startServer(t, 'http');
    const agent = new Class();
    await sent({ agent, origin, seen });
    await Promise.all([agent.close(), agent.close()]);
    await assert.rejects(agent.close(), { code: 'UND_ERR_DESTROYED' }, Class.name);
    await agent.destroy();
  }
});
