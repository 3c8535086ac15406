import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createH2cServer, createSecureServer, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { HealthCheckOptions } from '../../../src/config/health-options.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { certificateFor } from '../../support/certificate.ts';
import { nextAddress, type Pod, settle, startPod, startPods } from '../../support/pods.ts';

const CHECKS: HealthCheckOptions = { path: '/healthz', interval: 50, timeout: 500 };

async function ask(agent: BalancedAgent, origin = ORIGIN): Promise<number> {
  const { statusCode, body } = await agent.request({ origin, path: '/', method: 'GET' });
  await body.dump();
  return statusCode;
}

function stateOf(agent: BalancedAgent, { endpoint }: { endpoint: EndpointAddress }): string | undefined {
  const address = `${endpoint.address}:${endpoint.port}`;
  return agent.stats[ORIGIN]?.endpoints.find((row) => row.address === address)?.state;
}

/** Keeps the service in use until something is so. */
async function until(agent: BalancedAgent, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await ask(agent);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const checksOf = ({ paths }: Pod) => paths.filter((path) => path === '/healthz').length;

/** A pod answers its health checks with that status from now on, and requests as ever. */
function ail(pod: Pod, statusCode: number): void {
  pod.respond = (request, response) => {
    response.statusCode = request.url === '/healthz' ? statusCode : 200;
    response.end();
  };
}

test('a pod that fails its checks is ejected before it fails a request, and back when it passes them', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { healthCheck: CHECKS });
  await until(agent, () => pods.every((pod) => checksOf(pod) > 0));
  ail(pods[0]!, 503);
  const before = checksOf(pods[0]!);
  await until(agent, () => stateOf(agent, pods[0]!) === 'ejected');
  assert.ok(checksOf(pods[0]!) >= before + 3);
  const requests = () => pods[0]!.requests - checksOf(pods[0]!);
  const served = requests();
  for (let n = 0; n < 30; n++) await ask(agent);
  assert.equal(requests(), served);

  ail(pods[0]!, 204);
  await until(agent, () => stateOf(agent, pods[0]!) === 'ready' && requests() > served);
});

test('checks that pass restore a pod before its time', async (t) => {
  const pods = await startPods(t, 3);
  const bad = pods[0]!;
  bad.respond = (request, response) => response.writeHead(request.url === '/healthz' ? 200 : 503).end();
  const agent = startAgent(t, pods, {
    healthCheck: CHECKS,
    policy: 'round-robin',
    outlierDetection: { baseEjectionTime: '1h' },
  });
  await until(agent, () => stateOf(agent, bad) === 'ejected');
  ail(bad, 200);
  const before = checksOf(bad);
  await until(agent, () => stateOf(agent, bad) === 'ready');
  // One may have come between the ejection and now.
  assert.ok(checksOf(bad) > before);
});

test('a pod that hangs, refuses or redirects: all but the last fails a check', async (t) => {
  const pods = await startPods(t, 4);
  const [hanging, refusing, redirecting, healthy] = pods as [Pod, Pod, Pod, Pod];
  const agent = startAgent(t, pods, { healthCheck: { ...CHECKS, timeout: 50 } });
  await until(agent, () => pods.every((pod) => checksOf(pod) > 0));
  hanging.respond = (request, response) => request.url !== '/healthz' && response.end();
  ail(redirecting, 302);
  refusing.server.close();
  await until(agent, () => [hanging, refusing].every((pod) => stateOf(agent, pod) === 'ejected'));
  for (const pod of [redirecting, healthy]) assert.equal(stateOf(agent, pod), 'ready');
});

test('an expected status is the only one that passes', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) ail(pod, 204);
  const agent = startAgent(t, pods, { healthCheck: { ...CHECKS, expectedStatus: 204 } });
  ail(pods[0]!, 200);
  await until(agent, () => stateOf(agent, pods[0]!) === 'ejected');
  assert.equal(stateOf(agent, pods[1]!), 'ready');
});

test('when all pods fail their checks, all serve', async (t) => {
  const pods = await startPods(t, 3);
  for (const pod of pods) ail(pod, 500);
  const agent = startAgent(t, pods, { healthCheck: CHECKS, outlierDetection: false });
  await until(agent, () => pods.every((pod) => stateOf(agent, pod) === 'ejected'));
  const before = pods.map((pod) => pod.requests - checksOf(pod));
  for (let n = 0; n < 30; n++) assert.equal(await ask(agent), 200);
  for (const [index, pod] of pods.entries()) assert.ok(pod.requests - checksOf(pod) > before[index]!);
});

test('checks have connections of their own, which close', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { healthCheck: CHECKS });
  await until(agent, () => checksOf(pod) >= 5);
  assert.ok(pod.connections.length >= 5);
  while (pod.sockets.size > 1) await once(pod, 'close');
});

test('checks end with the agent', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { healthCheck: CHECKS });
  await until(agent, () => checksOf(pod) >= 2);
  await agent.close();
  await pod.allClosed();
  const before = checksOf(pod);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(checksOf(pod), before);
});

test('nothing is checked behind a virtual IP, nor beside a mesh', async (t) => {
  const pod = await startPod(t);
  for (const more of [{ virtual: true }, { passive: true }]) {
    const resolver = new ManualResolver();
    resolver.set([pod], more);
    const agent = startAgent(t, [], {
      discovery: resolver.resolve,
      healthCheck: { ...CHECKS, interval: 10 },
    });
    const begun = performance.now();
    await until(agent, () => performance.now() - begun > 100);
  }
  assert.equal(checksOf(pod), 0);
});

test('a service that nobody calls checks nothing, and goes on when it is called', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { healthCheck: CHECKS, keepAliveTimeout: 500 });
  await until(agent, () => checksOf(pod) > 0);
  // The service is quiet a while after the last request.
  let before = -1;
  while (checksOf(pod) > before) {
    before = checksOf(pod);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await until(agent, () => checksOf(pod) > before);
  await settle();
});

const certificate = certificateFor('DNS:orders.prod');

for (const [kind, create] of [
  ['h2c', () => createH2cServer()],
  ['TLS', () => createSecureServer({ ...certificate, allowHTTP1: true })],
] as const) {
  test(`checks go over ${kind}, in the name of the service`, async (t: TestContext) => {
    const server = create();
    const seen: { path: string; host: string | undefined; servername: unknown; version: string }[] = [];
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    server.on('request', (request: Http2ServerRequest, response: { end(): void }) => {
      const { servername } = (request.stream.session?.socket ?? request.socket) as TLSSocket;
      const { url, headers, httpVersion } = request;
      seen.push({ path: url, host: headers[':authority'], servername, version: httpVersion });
      response.end();
    });
    server.listen(0, nextAddress());
    await once(server, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { address, port } = server.address() as AddressInfo;
    const agent = startAgent(t, [{ endpoint: { address, port } }], {
      healthCheck: CHECKS,
      ...(kind === 'TLS' ? { connect: { ca: certificate.cert } } : { h2Options: { useH2c: true } }),
    });
    const origin = `${kind === 'TLS' ? 'https' : 'http'}://orders.prod`;
    while (seen.filter(({ path }) => path === '/healthz').length < 3) await ask(agent, origin);
    const check = seen.find(({ path }) => path === '/healthz')!;
    assert.equal(check.host, 'orders.prod');
    assert.equal(check.version, '2.0');
    if (kind === 'TLS') assert.equal(check.servername, 'orders.prod');
    assert.equal(agent.stats[origin]!.endpoints[0]!.state, 'ready');
  });
}

test('checks keep no process alive', async (t) => {
  const pod = await startPod(t);
  pod.respond = (request, response) => request.url !== '/healthz' && response.end();
  const script = `
    import { BalancedAgent } from ${JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)};
    const agent = new BalancedAgent({
      discovery: async function* () { yield { endpoints: [${JSON.stringify(pod.endpoint)}], source: 'test' }; },
      healthCheck: { path: '/healthz', interval: 20, timeout: '1m' },
    });
    const { body } = await agent.request({ origin: 'http://orders.prod', path: '/', method: 'GET' });
    await body.dump();
    setTimeout(() => {}, 300);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 20_000,
  });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.ok(checksOf(pod) > 0);
});
