import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createH2cServer, createSecureServer, type Http2ServerRequest } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { EndpointStats } from '../../../src/telemetry/stats.ts';
import { get, load, startAgent } from '../../support/agent.ts';
import { certificateFor } from '../../support/certificate.ts';
import { nextAddress } from '../../support/pods.ts';

const ORIGIN = 'https://orders.prod';
const certificate = certificateFor('DNS:orders.prod', 'DNS:users.prod', 'IP:127.0.0.1');
const trust = { connect: { ca: certificate.cert } };

interface SecurePod {
  endpoint: EndpointAddress;
  /** Requests, or streams, by connection. */
  counts: Map<Socket, number>;
  /** What each request asked for, and how its connection was made. */
  seen: { host: string | undefined; servername: unknown; version: string; resumed: boolean }[];
  sockets: Set<Socket>;
}

const kinds = {
  // No connection ends because this process is slow.
  'HTTP/1.1': () => createServer({ ...certificate, keepAliveTimeout: 60_000 }),
  'HTTP/2': () => createSecureServer({ ...certificate, allowHTTP1: true }),
  h2c: () => createH2cServer(),
};

async function startSecurePod(t: TestContext, kind: keyof typeof kinds, port = 0): Promise<SecurePod> {
  const server = kinds[kind]();
  const pod: SecurePod = {
    endpoint: { address: '', port: 0 },
    counts: new Map(),
    seen: [],
    sockets: new Set(),
  };
  server.on('connection', (socket: Socket) => {
    pod.sockets.add(socket);
    socket.on('close', () => pod.sockets.delete(socket));
  });
  server.on('request', (request: Http2ServerRequest, response: { end(body?: string): void }) => {
    const session = request.stream?.session;
    const socket = (session?.socket ?? request.socket) as TLSSocket;
    const key = (session ?? request.socket) as unknown as Socket;
    pod.counts.set(key, (pod.counts.get(key) ?? 0) + 1);
    pod.seen.push({
      host: request.headers[':authority'] ?? request.headers.host,
      servername: socket.servername,
      version: request.httpVersion,
      resumed: socket.isSessionReused?.() ?? false,
    });
    setImmediate(() => response.end('ok'));
  });
  server.listen(port, nextAddress());
  await once(server, 'listening');
  const { address, port: bound } = server.address() as AddressInfo;
  pod.endpoint = { address, port: bound };
  t.after(async () => {
    server.close();
    for (const socket of pod.sockets) socket.destroy();
  });
  return pod;
}

async function startSecurePods(
  t: TestContext,
  kind: keyof typeof kinds,
  count: number,
): Promise<SecurePod[]> {
  const first = await startSecurePod(t, kind);
  const others = Array.from({ length: count - 1 }, () => startSecurePod(t, kind, first.endpoint.port));
  return [first, ...(await Promise.all(others))];
}

for (const kind of ['HTTP/1.1', 'HTTP/2'] as const) {
  test(`${kind} over TLS keeps the service's name in Host, SNI and certificate checks`, async (t) => {
    const pod = await startSecurePod(t, kind);
    const agent = startAgent(t, [pod], trust);
    await get(agent, '/', ORIGIN);
    const [seen] = pod.seen;
    assert.equal(seen!.host, 'orders.prod');
    assert.equal(seen!.servername, 'orders.prod');
    assert.equal(seen!.version, kind === 'HTTP/2' ? '2.0' : '1.1');
  });

  test(`${kind}: a certificate for another name is refused with Node's error`, async (t) => {
    const pod = await startSecurePod(t, kind);
    const agent = startAgent(t, [pod], trust);
    await assert.rejects(get(agent, '/', 'https://stranger.prod'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test(`${kind}: no connection carries more than maxRequestsPerConnection, with 10 at once`, async (t) => {
    const pods = await startSecurePods(t, kind, 2);
    const agent = startAgent(t, pods, { ...trust, maxRequestsPerConnection: 10 });
    await load(agent, 600, 10, ORIGIN);
    const counts = pods.flatMap((pod) => [...pod.counts.values()]);
    assert.equal(Math.max(...counts), 10);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      600,
    );
  });
}

test('a service that is an IP address has its certificate checked against that, not the dialled one', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/1.1');
  const agent = startAgent(t, [pod], trust);
  await get(agent, '/', 'https://127.0.0.1');
  await assert.rejects(get(agent, '/', 'https://127.0.0.2'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test('two names on one address are two services, with connections of their own', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/1.1');
  const agent = startAgent(t, [pod], trust);
  for (let n = 0; n < 10; n++) {
    await get(agent, '/', ORIGIN);
    await get(agent, '/', 'https://users.prod');
  }
  assert.equal(pod.counts.size, 2);
});

test('a Host header names the server to TLS, as with undici, without a new connection each time', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/1.1');
  const agent = startAgent(t, [pod], trust);
  for (let n = 0; n < 5; n++) {
    for (const headers of [{ Host: 'users.prod' }, undefined, ['host', 'users.prod']]) {
      const response = await agent.request({
        origin: ORIGIN,
        path: '/',
        method: 'GET',
        headers: headers ?? null,
      });
      await response.body.dump();
    }
  }
  assert.equal(pod.counts.size, 2);
  assert.deepEqual([...new Set(pod.seen.map(({ servername }) => servername))].sort(), [
    'orders.prod',
    'users.prod',
  ]);
});

test('a servername that a request gives, or a Host that is an address, is to TLS what it is with undici', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/1.1');
  const { address, port } = pod.endpoint;
  const origin = `https://orders.prod:${port}`;
  const lookup = (_name: string, { all }: { all?: boolean }, done: (...found: unknown[]) => void) =>
    all ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
  const stock = new Agent({ connect: { ...trust.connect, lookup: lookup as never } });
  t.after(() => stock.destroy());
  const agent = startAgent(t, [pod], trust);
  for (const asked of [
    { servername: 'users.prod' },
    { servername: '127.0.0.1' },
    { servername: 'nobody.prod' },
    { servername: 5 },
    { headers: { host: '127.0.0.1' } },
    { headers: { host: '[::1]:5' } },
  ]) {
    const outcome = async (dispatcher: Dispatcher) => {
      pod.seen.length = 0;
      const options = { origin, path: '/', method: 'GET', ...asked } as never;
      const code = await dispatcher.request(options).then(
        async ({ body }) => void (await body.dump()),
        (error: NodeJS.ErrnoException) => error.code,
      );
      return { code, seen: pod.seen.map(({ host, servername }) => ({ host, servername })) };
    };
    const expected = await outcome(stock);
    assert.deepEqual(await outcome(agent), expected, JSON.stringify(asked));
  }
});

test('TLS sessions are resumed, with pods that have ticket keys of their own', async (t) => {
  const pods = await startSecurePods(t, 'HTTP/1.1', 3);
  const agent = startAgent(t, pods, { ...trust, maxRequestsPerConnection: 1 });
  await load(agent, 30, 3, ORIGIN);
  const resumed = pods.flatMap(({ seen }) => seen).filter((seen) => seen.resumed).length;
  // The first few connections to each have no session to resume yet.
  assert.ok(resumed >= 15, `${resumed} of 30`);
});

for (const kind of ['HTTP/2', 'h2c'] as const) {
  test(`${kind}: streams share one connection per endpoint, and spread evenly`, async (t) => {
    const pods = await startSecurePods(t, kind, 5);
    const options = kind === 'h2c' ? { h2Options: { useH2c: true } } : trust;
    const origin = kind === 'h2c' ? 'http://orders.prod' : ORIGIN;
    const agent = startAgent(t, pods, options);
    await load(agent, 2_000, 50, origin);
    for (const { counts } of pods) {
      assert.equal(counts.size, 1);
      const [count] = counts.values();
      assert.ok(count! > 360 && count! < 440, String(count));
    }
  });
}

test('HTTP/2: more streams than a peer takes open a second connection', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/2');
  const agent = startAgent(t, [pod], { ...trust, h2Options: { maxConcurrentStreams: 10 } });
  await load(agent, 500, 40, ORIGIN);
  assert.ok(pod.counts.size >= 4 && pod.counts.size <= 6, String(pod.counts.size));
});

test('allowH2: false speaks HTTP/1.1 to a server that knows both', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/2');
  const agent = startAgent(t, [pod], { ...trust, allowH2: false });
  await get(agent, '/', ORIGIN);
  assert.equal(pod.seen[0]!.version, '1.1');
});

test('however many names callers ask for at one origin, others keep their connections', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/1.1');
  const agent = startAgent(t, [pod], { connect: { rejectUnauthorized: false }, maxOrigins: 8 });
  const payments = 'https://payments.prod';
  await get(agent, '/', payments);
  for (let n = 0; n < 100; n++) {
    const headers = { host: `tenant-${n}.example.com` };
    const { body, statusCode } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
    await body.dump();
    assert.equal(statusCode, 200);
  }
  await get(agent, '/', payments);
  assert.deepEqual(Object.keys(agent.stats).sort(), [ORIGIN, payments]);
  const [{ opened, requests }] = agent.stats[payments]!.endpoints as [EndpointStats];
  assert.deepEqual([opened, requests], [1, 2]);
  assert.deepEqual(
    pod.seen.map(({ servername }) => servername).slice(1, -1),
    Array.from({ length: 100 }, (_, n) => `tenant-${n}.example.com`),
  );
  const kept = agent.stats[ORIGIN]!.connected;
  assert.ok(kept <= 32, `${kept} connections are kept`);
});

test('stats are by origin, whoever calls and whichever names they ask for', async (t) => {
  const pod = await startSecurePod(t, 'HTTP/2');
  const agent = startAgent(t, [pod], trust);
  await get(agent, '/', ORIGIN);
  await (await fetch(ORIGIN, { dispatcher: agent } as object)).text();
  const headers = { host: 'users.prod' };
  const { body } = await agent.request({ origin: `${ORIGIN}/`, path: '/', method: 'GET', headers });
  await body.dump();
  assert.deepEqual(Object.keys(agent.stats), [ORIGIN]);
  const { endpoints, connected, discovery, running } = agent.stats[ORIGIN]!;
  assert.equal(endpoints.length, 1);
  assert.deepEqual([endpoints[0]!.requests, endpoints[0]!.connections, connected, running], [3, 3, 3, 0]);
  assert.deepEqual([discovery.endpoints, discovery.source], [1, 'test']);
  assert.equal(JSON.parse(JSON.stringify(agent.stats))[ORIGIN].discovery.error, null);
});
