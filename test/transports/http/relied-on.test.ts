// What src/transports/http/node-http.ts relies on inside Node: if one of these fails, that file has to change.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { Agent, ClientRequest } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectSecurely, createServer as createSecureServer } from 'node:tls';
import {
  asNodeAgent,
  asNodeRequest,
  bytesWrittenBy,
  hasInternals,
  isProxied,
  isStock,
  type NodeSocket,
  outputOf,
  resetAsyncContext,
  rewind,
  waitingOf,
} from '../../../src/transports/http/node-http.ts';
import { certificateFor } from '../../support/certificate.ts';
import { answerOf, closeOf, eventsOf } from '../../support/http-agent.ts';
import { type Pod, startPod } from '../../support/pods.ts';

/** Requests that are given no socket. */
class Holding extends Agent {
  addRequest(): void {}
}

function hold(options: http.RequestOptions = {}): ClientRequest {
  return http.request({ host: 'a', ...options, agent: new Holding({ keepAlive: true }) });
}

async function socketTo(t: TestContext, { address, port }: Pod): Promise<NodeSocket> {
  const socket = connect(port, address);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket as NodeSocket;
}

test('this Node has all that is relied on', () => {
  assert.equal(hasInternals(), true);
});

test('what is written waits in outputData, head first, until there is a socket', async (t) => {
  const pod = await startPod(t);
  const request = hold({ method: 'POST' });
  const node = asNodeRequest(request);
  assert.deepEqual([node.outputData.length, node._header], [0, null]);
  request.end('body');
  assert.match(String(node.outputData[0]!.data), /^POST \/ HTTP\/1.1\r\n/);
  assert.equal(node.finished, true);

  const socket = await socketTo(t, pod);
  node.onSocket(socket);
  assert.equal(pod.requests, 0);
  assert.equal((await answerOf(request)).status, 200);
  assert.equal(node.outputData.length, 0);
});

test('a socket is free one tick after the end of a response, and after the close of its request', async (t) => {
  const pod = await startPod(t);
  const request = hold();
  const socket = await socketTo(t, pod);
  const order: string[] = [];
  request.on('close', () => order.push('close'));
  socket.on('free', () => order.push('free'));
  asNodeRequest(request).onSocket(socket);
  request.end();
  const response = answerOf(request).then(() => order.push('read'));
  await once(socket, 'free');
  await response;
  assert.deepEqual(order.slice(0, 2), ['close', 'free']);
});

test('a request without a socket says nothing of its end until it is given none', async () => {
  const request = hold();
  const events = eventsOf(request);
  request.on('error', () => {}).destroy();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(events, []);
  asNodeRequest(request).onSocket(null);
  await closeOf(request);
  assert.deepEqual(events, ['error', 'close']);
});

test('a request that was destroyed before it has its socket gives that back, and writes nothing', async (t) => {
  const pod = await startPod(t);
  const request = hold().on('error', () => {});
  request.end();
  const socket = await socketTo(t, pod);
  const free = once(socket, 'free');
  asNodeRequest(request).onSocket(socket);
  request.destroy();
  await free;
  assert.deepEqual([socket.destroyed, socket.bytesWritten], [false, 0]);
});

test('a request is as it was before it had a socket, once it is rewound', async (t) => {
  const pod = await startPod(t);
  const request = hold({ method: 'PUT' });
  const node = asNodeRequest(request);
  request.end('body');
  const output = outputOf(node);
  const first = await socketTo(t, pod);
  node.onSocket(first);
  await once(request, 'finish');
  request.on('error', () => assert.fail('heard'));
  const emit = request.emit;
  request.emit = () => true;
  first._hadError = true;
  const closed = once(first, 'close');
  first.destroy();
  await closed;
  request.emit = emit;
  rewind(node, output);
  let finished = 0;
  request.on('finish', () => finished++);
  node.onSocket(await socketTo(t, pod));
  assert.equal((await answerOf(request)).status, 200);
  assert.equal(finished, 0);
});

test('an agent is stock as long as it has nobody’s hooks', () => {
  assert.equal(isStock(asNodeAgent(new Agent())), true);
  assert.equal(isStock(asNodeAgent(new Holding())), false);
  const hooked = new Agent();
  hooked.createConnection = () => undefined;
  assert.equal(isStock(asNodeAgent(hooked)), false);
  const listening = new Agent().on('free', () => {});
  assert.equal(isStock(asNodeAgent(listening)), false);
  class Own extends Agent {}
  assert.equal(isStock(asNodeAgent(new Own())), true);
});

test('a proxy of Node’s own is seen, where it has that', {
  skip: !process.allowedNodeEnvironmentFlags.has('--use-env-proxy'),
}, () => {
  const proxyEnv = { HTTP_PROXY: 'http://proxy:1', NO_PROXY: 'exempt.prod' };
  const agent = asNodeAgent(new Agent({ proxyEnv } as object));
  assert.equal(isProxied(agent, { host: 'orders.prod', port: 80 }), true);
  assert.equal(isProxied(agent, { host: 'exempt.prod', port: 80 }), false);
  assert.equal(isProxied(asNodeAgent(new Agent()), { host: 'orders.prod', port: 80 }), false);
});

test('a request that waits for a place of its agent has its options and its async context', async (t) => {
  const pod = await startPod(t);
  const agent = new Agent({ maxSockets: 1 });
  t.after(() => agent.destroy());
  const first = http.get({ host: pod.address, port: pod.port, path: '/slow', agent });
  const second = http.get({ host: pod.address, port: pod.port, path: '/', agent });
  first.on('error', () => {});
  const { context, options } = waitingOf(asNodeRequest(second));
  assert.equal(typeof context?.runInAsyncScope, 'function');
  assert.equal(options?.host, pod.address);
  first.destroy();
  await Promise.all([closeOf(first), answerOf(second)]);
});

test('a socket can be given another async context', async (t) => {
  const pod = await startPod(t);
  const socket = await socketTo(t, pod);
  const before = socket._handle!.getAsyncId();
  resetAsyncContext(socket);
  assert.notEqual(socket._handle!.getAsyncId(), before);
});

for (const secure of [false, true]) {
  const title = secure ? 'a TLS socket' : 'a socket';
  test(`${title} in which nothing waits has written what its handle has written`, async (t) => {
    const certificate = certificateFor('IP:127.0.0.1');
    const server = secure ? createSecureServer(certificate) : createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { cert: ca } = certificate;
    const socket = secure ? connectSecurely({ port, host: '127.0.0.1', ca }) : connect(port, '127.0.0.1');
    t.after(() => {
      socket.destroy();
      server.close();
    });
    await once(socket, secure ? 'secureConnect' : 'connect');
    assert.equal(bytesWrittenBy(socket as NodeSocket), 0);
    await new Promise((resolve) => void socket.write('five!', resolve));
    assert.equal(bytesWrittenBy(socket as NodeSocket), 5);
    assert.equal(socket.bytesWritten, 5);
  });
}

test('the hooks of agents and the constructor of requests are where they were', () => {
  const { prototype } = ClientRequest as unknown as { prototype: Record<string, unknown> };
  assert.equal(typeof prototype.onSocket, 'function');
  assert.equal(http.Agent, Agent);
  assert.equal((http.globalAgent as unknown as Socket).constructor, Agent);
});
