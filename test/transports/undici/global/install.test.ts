import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import {
  Agent,
  type Dispatcher,
  Dispatcher1Wrapper,
  getGlobalDispatcher,
  MockAgent,
  RetryAgent,
  request,
  setGlobalDispatcher,
} from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import type { BalancedAgentOptions } from '../../../../src/config/options.ts';
import { BalancedAgent, install, staticResolver, uninstall } from '../../../../src/index.ts';
import { slots } from '../../../../src/transports/undici/global/slots.ts';
import { FakeClock } from '../../../support/clock.ts';
import { startDnsServer } from '../../../support/dns-server.ts';
import { type Pod, startPod } from '../../../support/pods.ts';
import { run } from '../../../support/versions.ts';

const ORDERS = 'http://orders.prod/';
const before = { ...slots };

beforeEach(() => {
  setGlobalDispatcher(new Agent());
});

afterEach(async () => {
  await uninstall();
  Object.assign(slots, before);
});

/** A pod, and an agent that is installed for `orders.prod`, which leads there. */
async function setUp(
  t: TestContext,
  options: BalancedAgentOptions = {},
): Promise<{ pod: Pod; agent: BalancedAgent }> {
  const pod = await startPod(t);
  pod.respond = (_request, response) => response.end('pod');
  const agent = install({ discovery: staticResolver([pod.endpoint]), hosts: ['orders.prod'], ...options });
  return { pod, agent };
}

async function startOutside(t: TestContext): Promise<string> {
  const server = await startPod(t);
  server.respond = (_request, response) => response.end('outside');
  return `http://${server.address}:${server.port}/`;
}

async function fetched(url: string): Promise<string> {
  return (await fetch(url)).text();
}

async function requested(url: string): Promise<string> {
  return (await request(url)).body.text();
}

test('a name of which nothing was known is looked up once, however many requests come and whoever wants to know', async (t) => {
  const pod = await startPod(t);
  const dns = await startDnsServer(t);
  dns.set('orders.test', [pod.address]);
  // No question is asked again because this process is slow.
  install({ dns: { servers: [dns.address] }, discovery: 'dns', clock: new FakeClock() });
  const url = `http://orders.test:${pod.port}/`;
  await Promise.all(Array.from({ length: 50 }, () => [fetched(url), requested(url)]).flat());
  assert.equal(pod.requests, 100);
  assert.equal(dns.count('orders.test'), 1);
  assert.equal(new Set(dns.questions.map(({ name }) => name)).size, dns.questions.length, 'nor any other');
});

test('installed, every caller in the process is balanced', async (t) => {
  const { pod, agent } = await setUp(t);
  assert.equal(await fetched(ORDERS), 'pod');
  assert.equal(await requested(ORDERS), 'pod');
  assert.equal(await (await undici6.request(ORDERS)).body.text(), 'pod');
  assert.equal(await (await undici7.fetch(ORDERS)).text(), 'pod');
  assert.equal(pod.requests, 4);
  assert.equal(agent.stats['http://orders.prod']?.endpoints[0]?.requests, 4);
});

test('what leads to other hosts takes the way that it took before', async (t) => {
  await setUp(t);
  const outside = await startOutside(t);
  assert.equal(await fetched(outside), 'outside');
  assert.equal(await requested(outside), 'outside');
});

test('without a word on hosts, loopback and private addresses are balanced', async (t) => {
  const pod = await startPod(t);
  const agent = install();
  assert.equal(await fetched(`http://${pod.address}:${pod.port}/`), pod.address);
  assert.equal(await requested(`http://${pod.address}:${pod.port}/`), pod.address);
  const { endpoints } = agent.stats[`http://${pod.address}:${pod.port}`]!;
  assert.deepEqual(
    endpoints.map(({ requests }) => requests),
    [2],
  );
});

test('a name that does not exist fails as it always did', async () => {
  install();
  const { code, syscall } = await requested('http://nobody.invalid/').catch((error) => error);
  assert.deepEqual([code, syscall], ['ENOTFOUND', 'getaddrinfo']);
});

test('uninstalling puts back what was global before', async (t) => {
  const { legacy, modern } = slots;
  await setUp(t);
  assert.notEqual(slots.modern, modern);
  await uninstall();
  assert.equal(slots.legacy, legacy);
  assert.equal(slots.modern, modern);
  const outside = await startOutside(t);
  assert.equal(await fetched(outside), 'outside');
});

test('slots that were empty have an agent of undici’s afterwards', async (t) => {
  // Built-in fetch, once loaded, does not fill them again.
  slots.legacy = undefined;
  slots.modern = undefined;
  await setUp(t);
  await uninstall();
  const outside = await startOutside(t);
  assert.equal(await fetched(outside), 'outside');
  assert.equal(await requested(outside), 'outside');
});

test('old-style callers go through a dispatcher that was there for new-style ones only', async (t) => {
  const mock = new MockAgent();
  mock.get('http://api.example.com').intercept({ path: '/' }).reply(200, 'mocked').times(2);
  slots.legacy = undefined;
  slots.modern = mock;
  await setUp(t);
  assert.equal(await fetched('http://api.example.com/'), 'mocked');
  assert.equal(await requested('http://api.example.com/'), 'mocked');
});

test('new-style callers go on without a dispatcher that was there for old-style ones only', async (t) => {
  const mock = new undici6.MockAgent();
  mock.get('http://api.example.com').intercept({ path: '/' }).reply(200, 'mocked');
  undici6.setGlobalDispatcher(mock);
  await setUp(t);
  const outside = await startOutside(t);
  assert.equal(await fetched('http://api.example.com/'), 'mocked');
  assert.equal(await requested(outside), 'outside');
});

test('requests under way when it is uninstalled come to their end', async (t) => {
  const { pod } = await setUp(t);
  const slow = fetched(`${ORDERS}slow`);
  await pod.received('/slow');
  let over = false;
  const uninstalled = uninstall().then(() => {
    over = true;
  });
  assert.equal(over, false);
  pod.release('/slow');
  assert.equal(await slow, 'pod');
  await uninstalled;
  await pod.allClosed();
});

test('installing again replaces what was installed', async (t) => {
  const { modern } = slots;
  const first = await setUp(t);
  assert.equal(await fetched(ORDERS), 'pod');
  const second = await setUp(t);
  assert.equal(await fetched(ORDERS), 'pod');
  assert.deepEqual([first.pod.requests, second.pod.requests], [1, 1]);
  await first.pod.allClosed();
  assert.equal(first.agent.closed, true);
  await uninstall();
  assert.equal(slots.modern, modern);
});

test('uninstalling what is not installed changes nothing', async () => {
  const now = { ...slots };
  await uninstall();
  assert.deepEqual({ ...slots }, now);
});

test('what somebody else has made global since stays', async (t) => {
  await setUp(t);
  const theirs = new Agent();
  setGlobalDispatcher(theirs);
  const wrapped = slots.legacy;
  await uninstall();
  assert.equal(getGlobalDispatcher(), theirs);
  assert.equal(slots.legacy, wrapped);
});

test('what somebody else has made global for one generation stays, and the other is put back', async (t) => {
  const { modern } = slots;
  await setUp(t);
  const theirs = new undici6.Agent();
  undici6.setGlobalDispatcher(theirs);
  await uninstall();
  assert.equal(slots.legacy as unknown, theirs);
  assert.equal(slots.modern, modern);
});

test('a dispatcher that somebody has wrapped around it goes on working when it is uninstalled', async (t) => {
  await setUp(t);
  const paths: string[] = [];
  setGlobalDispatcher(
    getGlobalDispatcher().compose((dispatch) => (options, handler) => {
      paths.push(options.path);
      return dispatch(options, handler);
    }),
  );
  assert.equal(await requested(`${ORDERS}installed`), 'pod');
  await uninstall();
  const outside = await startOutside(t);
  assert.equal(await requested(`${outside}uninstalled`), 'outside');
  assert.deepEqual(paths, ['/installed', '/uninstalled']);
});

test('installing again goes on from what somebody else has made global since', async (t) => {
  await setUp(t);
  const mock = new MockAgent();
  mock.get('http://api.example.com').intercept({ path: '/' }).reply(200, 'mocked');
  setGlobalDispatcher(mock);
  await setUp(t);
  assert.equal(await requested(ORDERS), 'pod');
  assert.equal(await requested('http://api.example.com/'), 'mocked');
  await uninstall();
  assert.equal(getGlobalDispatcher(), mock);
});

test('a MockAgent keeps what it has, private names too', async (t) => {
  const mock = new MockAgent();
  mock.disableNetConnect();
  const intercept = { path: '/', method: 'POST', body: 'hello' };
  mock.get('http://10.0.0.1').intercept(intercept).reply(200, 'mocked').times(2);
  setGlobalDispatcher(mock);
  await setUp(t, { hosts: ['!other'] });
  const post = { method: 'POST', body: 'hello' } as const;
  assert.equal(await (await fetch('http://10.0.0.1/', post)).text(), 'mocked');
  assert.equal(await (await request('http://10.0.0.1/', post)).body.text(), 'mocked');
});

test('wrong options install nothing', () => {
  const now = { ...slots };
  assert.throws(() => install({ spread: 0 }), { code: 'UND_ERR_INVALID_ARG' });
  assert.deepEqual({ ...slots }, now);
});

test('an agent that was destroyed can be uninstalled', async (t) => {
  const { agent } = await setUp(t);
  await agent.destroy();
  await uninstall();
  assert.ok(slots.legacy instanceof Dispatcher1Wrapper);
});

test('a guard that refuses private addresses is asked, whoever calls', async (t) => {
  const pod = await startPod(t);
  const guard = (): Agent => new Agent({ connect: (_options, done) => done(new Error('private'), null) });
  const interceptor: Dispatcher.DispatcherComposeInterceptor = () => (_options, handler) => {
    handler.onResponseError?.(null as never, new Error('private'));
    return true;
  };
  const old = new undici6.Agent({ connect: (_options, done) => done(new Error('private'), null) });
  const guards = [
    () => setGlobalDispatcher(guard()),
    () => setGlobalDispatcher(new Agent().compose(interceptor)),
    () => setGlobalDispatcher(new RetryAgent(guard(), { maxRetries: 0 })),
    () => undici6.setGlobalDispatcher(old),
  ];
  for (const [index, makeGlobal] of guards.entries()) {
    makeGlobal();
    const agent = install();
    const url = `http://${pod.address}:${pod.port}/`;
    const { message } = await fetched(url).catch((error) => error.cause ?? error);
    assert.equal(message, 'private', `${index}`);
    assert.deepEqual(agent.stats, {});
    await uninstall();
    setGlobalDispatcher(new Agent());
  }
  assert.equal(pod.requests, 0);
});

test('a dispatcher that keeps its requests is told of once, with the way to balance some of them', async (t) => {
  const { port } = await startPod(t);
  const script = `
    import { Agent, setGlobalDispatcher } from '${import.meta.resolve('undici')}';
    import { install } from '${import.meta.resolve('../../../../src/index.ts')}';
    setGlobalDispatcher(new Agent({ headersTimeout: 0 }));
    install({ hosts: ['*.prod'] });
    console.error('now');
    install({ hosts: ['!*.prod'] });
    install();
    await fetch('http://localhost:${port}').catch(() => {});`;
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  const [before, after] = stderr.split('now\n');
  assert.equal(before, '');
  assert.equal(after!.split('EVENKEEL_DISPATCHER_KEPT').length - 1, 1);
  assert.match(after!, /is an Agent with options \(headersTimeout\): .*install\(\{ hosts: \['\*\.svc/);
});

test('hosts that are named are balanced, whatever was global', async (t) => {
  setGlobalDispatcher(new Agent({ connect: (_options, done) => done(new Error('private'), null) }));
  await setUp(t);
  assert.equal(await fetched(ORDERS), 'pod');
});

test('thirty rounds of install and uninstall leave what was there, also when others put it back in between', async (t) => {
  const { legacy, modern } = slots;
  for (let round = 0; round < 30; round++) {
    await setUp(t);
    // As tests do that make a mock global for a while.
    const now = getGlobalDispatcher();
    setGlobalDispatcher(new MockAgent());
    setGlobalDispatcher(now);
    assert.equal(await fetched(ORDERS), 'pod');
    await uninstall();
    assert.equal(slots.legacy, legacy, `${round}`);
    assert.equal(slots.modern, modern, `${round}`);
  }
});

test('of two copies of evenkeel the first balances, as the second says, and both leave what was there, in whatever order', async (t) => {
  const { legacy, modern } = slots;
  const path = '../../../../src/transports/undici/global/install.ts?another-copy';
  const other: typeof import('../../../../src/transports/undici/global/install.ts') = await import(path);
  const pod = await startPod(t);
  const url = `http://${pod.address}:${pod.port}/`;
  const warned = once(process, 'warning');
  for (const order of [
    [uninstall, other.uninstallDispatcher],
    [other.uninstallDispatcher, uninstall],
  ]) {
    const agents = [install(), new BalancedAgent()];
    other.installDispatcher(agents[1]!);
    assert.equal(await fetched(url), pod.address);
    assert.deepEqual(
      agents.map(({ stats }) => Object.keys(stats).length),
      [1, 0],
    );
    for (const remove of order) {
      await remove!();
      assert.equal(await fetched(url), pod.address);
    }
    assert.deepEqual([slots.legacy, slots.modern], [legacy, modern]);
  }
  assert.match((await warned)[0].message, /^another copy of evenkeel is installed in this process/);
});
