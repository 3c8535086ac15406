import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import http, { Agent } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { BalancedAgentOptions } from '../../../../src/config/options.ts';
import { BalancedHttpAgent } from '../../../../src/http.ts';
import { install, staticResolver, stats, uninstall } from '../../../../src/index.ts';
import { asNodeAgent } from '../../../../src/transports/http/node-http.ts';
import { certificateFor } from '../../../support/certificate.ts';
import { startDnsServer } from '../../../support/dns-server.ts';
import { answerOf, ask, closeOf, HOST } from '../../../support/http-agent.ts';
import { nextAddress, type Pod, startPod, startPods } from '../../../support/pods.ts';
import { run } from '../../../support/versions.ts';

const { addRequest } = Agent.prototype as unknown as { addRequest: unknown };

afterEach(() => uninstall());

/** Pods, with evenkeel installed for the name that leads there. */
async function setUp(t: TestContext, count = 3, options: BalancedAgentOptions = {}): Promise<Pod[]> {
  const pods = await startPods(t, count);
  install({ discovery: staticResolver(pods.map(({ endpoint }) => endpoint)), hosts: [HOST], ...options });
  return pods;
}

function countsOf(pods: readonly Pod[]): number[] {
  return pods.map(({ requests }) => requests);
}

test('requests of the global agent, and of agents that callers have made, are balanced', async (t) => {
  const pods = await setUp(t);
  for (let n = 0; n < 9; n++) await ask(undefined);
  const own = new Agent({ keepAlive: true });
  for (let n = 0; n < 9; n++) await ask(own);
  for (const count of countsOf(pods)) assert.ok(count >= 5 && count <= 7, `${countsOf(pods)}`);
  assert.equal(stats()[`http://${HOST}`]!.endpoints.length, 3);
});

test('uninstall puts back what was there, and requests under way come to their end', async (t) => {
  const [pod] = await setUp(t, 1);
  assert.notEqual((Agent.prototype as unknown as { addRequest: unknown }).addRequest, addRequest);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const slow = ask(agent, { path: '/slow' });
  await pod!.received('/slow');
  const uninstalled = uninstall();
  assert.equal((Agent.prototype as unknown as { addRequest: unknown }).addRequest, addRequest);
  pod!.release('/slow');
  assert.equal((await slow).status, 200);
  await uninstalled;
  await pod!.allClosed();
  await assert.rejects(ask(undefined), { code: 'ENOTFOUND' });
});

test('whoever wraps it meanwhile stays, and comes to Node’s own when evenkeel has gone', async (t) => {
  const [pod] = await setUp(t, 1);
  const prototype = Agent.prototype as unknown as { addRequest: (...args: unknown[]) => void };
  const installed = prototype.addRequest;
  let calls = 0;
  prototype.addRequest = function (this: Agent, ...args: unknown[]) {
    calls++;
    installed.apply(this, args);
  };
  t.after(() => {
    prototype.addRequest = addRequest as typeof installed;
  });
  assert.equal((await ask(undefined)).body, pod!.address);
  await uninstall();
  assert.equal((await ask(undefined, { host: pod!.address, port: pod!.port })).body, pod!.address);
  assert.equal(calls, 2);
});

test('idle connections are kept, whatever maxFreeSockets of an agent says', async (t) => {
  const pods = await setUp(t, 3);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1 });
  const sendAll = () => Promise.all([ask(agent), ask(agent), ask(agent)]);
  await sendAll();
  const made = pods.flatMap(({ connections }) => connections).length;
  await sendAll();
  assert.equal(pods.flatMap(({ connections }) => connections).length, made);
  assert.ok(pods.every(({ sockets }) => sockets.size > 0));
});

test('sockets of evenkeel, and of requests that it leaves to Node, are in one list of their agent’s map', async (t) => {
  const [pod] = await setUp(t, 1);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const { address, port } = pod!;
  const name = agent.getName({ host: HOST, port });
  const lookup = ((_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address, family: 4 }])) as unknown as http.RequestOptions['lookup'];
  const count = () => agent.sockets[name]?.length;

  const answers = new Map<string, Promise<unknown>>();
  const send = async (path: string, options: http.RequestOptions) => {
    answers.set(path, ask(agent, { port, path, ...options }));
    await pod!.received(path);
  };
  const end = async (path: string) => {
    pod!.release(path);
    await answers.get(path);
    await turn();
  };
  await send('/slow-first', {});
  await send('/slow-left', { lookup });
  assert.equal(count(), 2);
  await end('/slow-first');
  assert.equal(count(), 1);
  await send('/slow-second', {});
  assert.equal(count(), 2);
  await end('/slow-left');
  assert.equal(count(), 1);
  await end('/slow-second');
  assert.equal(count(), undefined);
});

test('an agent with a timeout is given no connection that idles for longer, whoever shares it', async (t) => {
  const [pod] = await setUp(t, 1);
  pod!.respond = (_request, response) => response.setHeader('keep-alive', 'timeout=600').end('ok');
  const careless = new Agent({ keepAlive: true });
  const careful = new Agent({ keepAlive: true, timeout: 50 });
  for (const agent of [careless, careful, careless]) await ask(agent);
  assert.equal(pod!.connections.length, 1);
  await pod!.allClosed();
});

test('requests that wait for the verdict on their host have sockets that connect, which their agent’s destroy() ends', async (t) => {
  const dns = await startDnsServer(t);
  dns.misbehave('orders.prod.example', 'silent');
  install({ dns: { servers: [dns.address] }, kubernetes: { clusterDomain: 'example' } });
  const agent = new Agent({ keepAlive: true });
  const requests = [1, 2].map(() => http.get({ host: 'orders.prod.example', agent }));
  const failed = requests.map((request) => assert.rejects(answerOf(request), { code: 'ECONNRESET' }));
  for (const request of requests) request.on('socket', () => {});
  const [socket] = (await once(requests[0]!, 'socket')) as [Socket];
  assert.equal(socket.connecting, true);
  assert.equal(Object.values(agent.sockets).flat().length, 2);
  agent.destroy();
  await Promise.all(failed);
  assert.deepEqual({ ...agent.sockets }, {});
});

test('a request that evenkeel leaves to Node has the place of one of evenkeel’s once that has ended, in its caller’s context', async (t) => {
  const [pod] = await setUp(t, 1);
  const { address, port } = pod!;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const lookup = ((_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address, family: 4 }])) as unknown as http.RequestOptions['lookup'];
  const store = new AsyncLocalStorage<string>();
  const slow = ask(agent, { port, path: '/slow' });
  await pod!.received('/slow');
  const left = [1, 2].map((n) =>
    store.run(`${n}`, async () => {
      const request = http.get({ host: HOST, port, agent, lookup, path: `/${n}` });
      const context = new Promise((resolve) => request.once('socket', () => resolve(store.getStore())));
      return [(await answerOf(request)).status, await context];
    }),
  );
  assert.deepEqual(Object.values(agent.requests).flat().length, 2);
  pod!.release('/slow');
  await slow;
  assert.deepEqual(await Promise.all(left), [
    [200, '1'],
    [200, '2'],
  ]);
});

test('http: false leaves node:http alone', async (t) => {
  await setUp(t, 1, { http: false });
  assert.equal((Agent.prototype as unknown as { addRequest: unknown }).addRequest, addRequest);
  await assert.rejects(ask(undefined), { code: 'ENOTFOUND' });
});

test('what has ways of its own passes untouched', async (t) => {
  const [pod] = await setUp(t, 1);
  const outside = await startPod(t);
  outside.respond = (_request, response) => response.end('outside');
  const own = new Agent({ keepAlive: true });
  own.createConnection = () => connect(outside.port, outside.address);
  class Hooked extends Agent {
    override createConnection() {
      return connect(outside.port, outside.address);
    }
  }
  const lookup: http.RequestOptions['lookup'] = (_name, _options, callback) =>
    callback(null, [{ address: outside.address, family: 4 }]);
  const { port } = outside;

  assert.equal((await ask(own)).body, 'outside');
  assert.equal((await ask(new Hooked({ keepAlive: true }))).body, 'outside');
  assert.equal((await ask(undefined, { lookup, port })).body, 'outside');
  assert.equal((await ask(new Agent({ keepAlive: true, lookup }), { port })).body, 'outside');
  const elsewhere = new Agent({ keepAlive: true, host: outside.address, port } as http.AgentOptions);
  assert.equal((await ask(elsewhere)).body, 'outside');
  await assert.rejects(ask(new Agent()), { code: 'ENOTFOUND' });
  await assert.rejects(ask(undefined, { agent: false as unknown as Agent }), { code: 'ENOTFOUND' });
  await assert.rejects(ask(new Agent({ keepAlive: true }), { localPort: 1, port }), { code: 'ENOTFOUND' });
  assert.equal(pod!.requests, 0);
});

test('requests to other hosts are Node’s, on the same agent', async (t) => {
  const [pod] = await setUp(t, 1);
  const outside = await startPod(t);
  const agent = new Agent({ keepAlive: true });
  const { body, request } = await ask(agent, { host: outside.address, port: outside.port });
  assert.equal(body, outside.address);
  await closeOf(request);
  assert.equal(agent.freeSockets[`${outside.address}:${outside.port}:`]?.length, 1);
  assert.equal((await ask(agent)).body, pod!.address);
  agent.destroy();
});

test('an agent’s limits hold for its requests, whoever sends others', async (t) => {
  const [pod] = await setUp(t, 1);
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const all = Array.from({ length: 4 }, () => ask(agent, { path: '/slow' }));
  while (pod!.requests < 2) await once(pod!, 'request');
  assert.equal((await ask(undefined, { path: '/quick' })).status, 200);
  const name = `${HOST}:80:`;
  assert.equal(agent.sockets[name]?.length, 2);
  while (pod!.requests < 5) {
    pod!.release('/slow');
    await once(pod!, 'request');
  }
  pod!.release('/slow');
  await Promise.all(all);
  assert.deepEqual([{ ...agent.sockets }, { ...agent.requests }], [{}, {}]);
});

test('destroy of an agent ends its requests, and those of no others; it can be used again', async (t) => {
  const [pod] = await setUp(t, 1);
  const agent = new Agent({ keepAlive: true });
  const own = ask(agent, { path: '/slow/own' });
  const other = ask(undefined, { path: '/slow/other' });
  await Promise.all([pod!.received('/slow/own'), pod!.received('/slow/other')]);
  agent.destroy();
  await assert.rejects(own, { code: 'ECONNRESET', message: 'socket hang up' });
  pod!.release('/slow/other');
  assert.equal((await other).status, 200);
  assert.equal((await ask(agent)).status, 200);
});

test('destroy of an agent ends its requests that wait for a connection', async (t) => {
  const [pod] = await setUp(t, 1, { connections: 1 });
  const [holder, agent] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const held = ask(holder, { path: '/slow' });
  await pod!.received('/slow');
  const waiting = ask(agent);
  while (Object.keys(agent.sockets).length === 0) await turn();
  agent.destroy();
  await assert.rejects(waiting, { code: 'ECONNRESET', message: 'socket hang up' });
  assert.deepEqual(Object.keys(agent.sockets), []);
  holder.destroy();
  await assert.rejects(held);
});

test('the timeout of an agent is told to its requests', async (t) => {
  await setUp(t, 1);
  const agent = new Agent({ keepAlive: true, timeout: 40 });
  const request = http.get({ host: HOST, agent, path: '/slow' }).on('error', () => {});
  await once(request, 'timeout');
  request.destroy();
  await closeOf(request);
});

test('an agent of evenkeel’s that was made by hand goes its own way', async (t) => {
  const [pod] = await setUp(t, 1);
  const other = await startPod(t);
  const agent = new BalancedHttpAgent({ discovery: staticResolver([other.endpoint]), hosts: [HOST] });
  t.after(() => agent.destroy());
  assert.equal((await ask(agent)).body, other.address);
  assert.equal((await ask(agent, { host: other.address, port: other.port })).body, other.address);
  assert.equal(pod!.requests, 0);
});

test('a request waits for the verdict on its name, can be ended meanwhile, and goes on in its caller’s context', async (t) => {
  const pod = await startPod(t);
  const server = await startDnsServer(t);
  server.set('orders.prod.example', ['127.0.0.1']);
  const store = new AsyncLocalStorage<string>();
  install({
    discovery: staticResolver([pod.endpoint]),
    dns: { servers: [server.address] },
    kubernetes: { clusterDomain: 'example' },
  });
  const host = 'orders.prod.example';
  const ended = http.get({ host }).on('error', () => {});
  const closed = closeOf(ended);
  ended.destroy();
  await closed;
  const [context, body] = await store.run('caller', async () => {
    const request = http.get({ host });
    const seen = new Promise((resolve) => request.once('response', () => resolve(store.getStore())));
    const answer = answerOf(request);
    return [await seen, (await answer).body];
  });
  assert.deepEqual([context, body], ['caller', pod.address]);
});

type ProxySetter = (env: Record<string, string>) => () => void;
const { setGlobalProxyFromEnv } = http as { setGlobalProxyFromEnv?: ProxySetter };

test('a proxy that Node is told of afterwards has what it is for', {
  skip: !setGlobalProxyFromEnv,
}, async (t) => {
  const [pod] = await setUp(t, 1, { hosts: [HOST, 'exempt.prod'] });
  const proxy = await startPod(t);
  proxy.respond = (request, response) => response.end(`proxied ${request.url}`);
  const undo = setGlobalProxyFromEnv!({
    http_proxy: `http://${proxy.address}:${proxy.port}`,
    no_proxy: 'exempt.prod',
  });
  t.after(undo);
  assert.equal((await ask(undefined)).body, `proxied http://${HOST}/`);
  assert.equal((await ask(undefined, { host: 'exempt.prod' })).body, pod!.address);
});

test('what comes beside HTTP/1.1 in its oldest form is left to Node', async (t) => {
  await setUp(t, 1);
  const agent = asNodeAgent(new Agent({ keepAlive: true }));
  const request = http.request({
    host: HOST,
    agent: new (class extends Agent {
      addRequest() {}
    })(),
  });
  const error = once(request, 'error');
  (agent.addRequest as (...args: unknown[]) => void)(request, 'nobody.invalid', 80);
  assert.equal((await error.catch((thrown) => [thrown]))[0].code, 'ENOTFOUND');
});

test('with TLS, who checks certificates is given no connection that the caller of another agent has let pass', async (t) => {
  const server = https.createServer(certificateFor(`DNS:${HOST}`), (_request, response) =>
    response.end('secret'),
  );
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { address, port } = server.address() as AddressInfo;
  install({ discovery: staticResolver([{ address, port }]), hosts: [HOST] });
  const agents = [1, 2].map(() => new https.Agent({ keepAlive: true, rejectUnauthorized: false }));
  assert.equal((await ask(agents[0], { secure: true })).body, 'secret');
  const request = https.get({ host: HOST, agent: agents[1] });
  request.once('socket', (socket) =>
    socket.once('secureConnect', () => request.destroy(new Error('not trusted'))),
  );
  await assert.rejects(answerOf(request), { message: 'not trusted' });
});

test('https is balanced by the same patch, and is not loaded for it', async () => {
  const script = `
    import { install } from './src/index.ts';
    install();
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(process.moduleLoadList.includes('NativeModule https'));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(stdout.trim(), 'false', stderr);
  const own = Object.getOwnPropertyNames(https.Agent.prototype);
  assert.ok(!own.includes('addRequest'));
});

test('a timeout of an agent that Node refuses throws where the request is made, and ends no process', async (t) => {
  const [pod] = await setUp(t, 1);
  for (const [timeout, code] of [
    [-1, 'ERR_OUT_OF_RANGE'],
    ['soon' as unknown as number, 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    const agent = new Agent({ keepAlive: true, timeout });
    assert.throws(() => http.get({ host: HOST, agent }), { code });
  }
  assert.equal((await ask(new Agent({ keepAlive: true, timeout: Number.NaN }))).body, pod!.address);
});
