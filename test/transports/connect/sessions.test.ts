import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { balancedSessions } from '../../../src/connect.ts';
import { stats as allStats } from '../../../src/index.ts';
import { callsOf } from '../../support/answers.ts';
import { FakeClock } from '../../support/clock.ts';
import { BASE_URL, EchoClient, startBalanced, startStock } from '../../support/connect-client.ts';
import { ECHO, startConnectPods } from '../../support/connect-pod.ts';
import { startRawServer } from '../../support/raw-server.ts';
import { run } from '../../support/versions.ts';
import { CALLER, testEnd } from './ending.ts';

const codeOf = (error: unknown) => ConnectError.from(error).code;

test('the state is told as connect-node tells it', async (t) => {
  const [pod] = await startConnectPods(t, 1);
  pod!.hold();
  const ours = startBalanced(t, [pod!]);
  const stock = startStock(t, pod!);
  const both = [ours, stock];
  const states = () => both.map(({ sessions }) => sessions.state());
  assert.deepEqual(states(), ['closed', 'closed']);
  const calls = both.map(({ client }) => client.call());
  assert.deepEqual(states(), ['connecting', 'connecting']);
  while (pod!.open < 2) await sleep(1);
  assert.deepEqual(states(), ['open', 'open']);
  pod!.release();
  await Promise.all(calls);
  while (states().includes('open')) await sleep(1);
  assert.deepEqual(states(), ['idle', 'idle']);
  assert.deepEqual(
    both.map(({ sessions }) => sessions.error()),
    [undefined, undefined],
  );
});

test('connect() connects, and says how that went', async (t) => {
  const [pod] = await startConnectPods(t, 1);
  const { sessions, client } = startBalanced(t, [pod!]);
  assert.equal(await sessions.connect(), 'idle');
  assert.equal(pod!.sessions.length, 1);
  await client.call();
  assert.equal(pod!.sessions.length, 1);
  pod!.kill();
  const other = startBalanced(t, [pod!], { endpointTimeout: 50 }, 'gRPC', 'http://orders.prod:50052');
  assert.equal(await other.sessions.connect(), 'error');
  assert.equal(other.sessions.state(), 'error');
  const error = other.sessions.error() as ConnectError;
  assert.equal(error.code, Code.Unavailable);
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
});

test('abort() ends the calls of its manager, as connect-node does, and calls go on after it', async (t) => {
  const pods = await startConnectPods(t, 1);
  pods[0]!.hold();
  const { sessions, client, another } = startBalanced(t, pods);
  const stock = startStock(t, pods[0]!);
  const other = another().client.call();
  const codes = [client, stock.client].map((each) => each.call().catch(codeOf));
  while (pods[0]!.open < 3) await sleep(1);
  for (const each of [sessions, stock.sessions]) each.abort();
  assert.deepEqual(await Promise.all(codes), [Code.Canceled, Code.Canceled]);
  const reason = new ConnectError('enough', Code.Aborted);
  const more = [client, stock.client].map((each) => each.call().catch(codeOf));
  while (pods[0]!.calls < 5) await sleep(1);
  for (const each of [sessions, stock.sessions]) each.abort(reason);
  assert.deepEqual(await Promise.all(more), [Code.Aborted, Code.Aborted]);
  for (const each of [sessions, stock.sessions]) {
    assert.equal(each.state(), 'error');
    assert.equal(each.error(), reason);
  }
  pods[0]!.release();
  assert.equal(await other, pods[0]!.address);
  assert.equal(await client.call(), pods[0]!.address);
});

test('abort() ends calls that wait', async (t) => {
  const { sessions, client } = startBalanced(t, []);
  const calling = client.call().catch(codeOf);
  await sleep(5);
  assert.equal(sessions.state(), 'connecting');
  sessions.abort();
  assert.equal(await calling, Code.Canceled);
  assert.equal(sessions.state(), 'closed');
});

test('close() waits for calls, takes no more, and leaves no connection', async (t) => {
  const pods = await startConnectPods(t, 2);
  const { sessions, client } = startBalanced(t, pods);
  await client.calls(10, 4);
  for (const pod of pods) pod.hold();
  const calling = client.call();
  while (pods.every(({ open }) => open === 0)) await sleep(1);
  const closed = sessions.close();
  assert.equal(await client.call().catch(codeOf), Code.Canceled);
  for (const pod of pods) pod.release();
  assert.ok(await calling);
  await closed;
  while (pods.some(({ connections }) => connections > 0)) await sleep(1);
  await sessions.close();
});

test('close() closes a first connection that waits for others', async (t) => {
  const pods = await startConnectPods(t, 1);
  const silent = await startRawServer(t, () => {});
  // How long it waits for others does not end by itself.
  const { sessions, client } = startBalanced(t, [...pods, silent], { clock: new FakeClock() });
  const calling = client.call().catch(codeOf);
  while (sessions.stats[BASE_URL]!.endpoints.every(({ connections }) => connections === 0)) await sleep(0);
  assert.equal(pods[0]!.calls, 0);
  sessions.abort();
  await sessions.close();
  assert.equal(await calling, Code.Canceled);
  while (pods[0]!.connections > 0) await sleep(1);
});

test('close() leaves connections to other managers that share them', async (t) => {
  const pods = await startConnectPods(t, 1);
  const { sessions, client, another } = startBalanced(t, pods);
  const other = another().client;
  await Promise.all([client.call(), other.call()]);
  await sessions.close();
  await other.call();
  assert.equal(pods[0]!.sessions.length, 1);
});

test('those with other options share nothing', async (t) => {
  const pods = await startConnectPods(t, 1);
  const { client, another } = startBalanced(t, pods);
  await Promise.all([client.call(), another({ maxConnectionDuration: '7s' }).client.call()]);
  assert.equal(pods[0]!.sessions.length, 2);
});

test('stats() of the process, and the channels, know of its calls', async (t) => {
  const pods = await startConnectPods(t, 2);
  const { sessions, client } = startBalanced(t, pods);
  const paths: unknown[] = [];
  const onStart = (message: unknown) => paths.push((message as { path: string }).path);
  subscribe('evenkeel:request:start', onStart);
  t.after(() => unsubscribe('evenkeel:request:start', onStart));
  await client.calls(6);
  assert.deepEqual(paths, Array(6).fill('/test.Echo/Unary'));
  const rows = allStats()[BASE_URL]!.endpoints;
  assert.equal(
    rows.reduce((sum, { requests }) => sum + requests, 0),
    6,
  );
  assert.deepEqual(Object.keys(sessions.stats), [BASE_URL]);
});

describe('hosts that are not managed', () => {
  test('are left to connect-node’s own session manager', async (t) => {
    const pods = await startConnectPods(t, 1);
    const { address, port } = pods[0]!;
    const baseUrl = `http://${address}:${port}`;
    const made: unknown[] = [];
    const { connect } = Http2SessionManager.prototype;
    const { request } = Http2SessionManager.prototype;
    Http2SessionManager.prototype.request = function (...args) {
      made.push(this);
      return request.apply(this, args);
    };
    t.after(() => Object.assign(Http2SessionManager.prototype, { request, connect }));
    const sessions = balancedSessions(baseUrl, { hosts: ['!127.*'] });
    const transport = createGrpcTransport({ baseUrl, sessionManager: sessions });
    const client = new EchoClient(transport);
    await client.calls(6, 3);
    assert.equal(made.length, 6);
    assert.equal(new Set(made).size, 1);
    assert.equal(pods[0]!.sessions.length, 1);
    assert.deepEqual(sessions.stats, {});
    while (sessions.state() !== 'idle') await sleep(1);
    await sessions.close();
    assert.equal(sessions.state(), 'closed');
    assert.equal(await client.call().catch(codeOf), Code.Canceled);
  });

  test('addresses in private networks are managed', async (t) => {
    const pods = await startConnectPods(t, 1);
    const { address, port } = pods[0]!;
    const baseUrl = `http://${address}:${port}`;
    const sessions = balancedSessions(baseUrl);
    t.after(() => sessions.close());
    const client = new EchoClient(createGrpcTransport({ baseUrl, sessionManager: sessions }));
    await client.calls(3);
    assert.deepEqual(Object.keys(sessions.stats), [baseUrl]);
  });
});

describe('a process ends by itself', { concurrency: true }, () => {
  testEnd('idle');
  testEnd('failing');

  test('EVENKEEL_DISABLED=1 leaves its calls to connect-node', async (t) => {
    const pods = await startConnectPods(t, 2);
    const addresses = pods.map(({ address, port }) => `${address}:${port}`).join();
    const env = { EVENKEEL_DISABLED: '1' };
    const { stdout } = await run(process.execPath, [CALLER, 'idle', addresses], env);
    assert.match(stdout, /^\[unavailable\] getaddrinfo/);
    assert.deepEqual(callsOf(pods), [0, 0]);
  });
});

test('what is wrong with an option, or with the URL, is said at once', () => {
  const says = (message: RegExp, options: object, url = BASE_URL) =>
    assert.throws(() => balancedSessions(url, options), message);
  says(/must be given a URL such as/, {}, 'orders.prod:50051');
  says(/must be given a URL such as/, {}, 'grpc://orders.prod:50051');
  says(/unknown option polcy; did you mean policy\?/, { polcy: 'round-robin' });
  says(/policy must be/, { policy: 'fastest' });
  says(/takes no option connectTimeout, use connectTimeoutMs instead/, { connectTimeout: 5 });
  says(/takes no option retry/, { retry: false });
  says(/connectTimeoutMs must be a number of milliseconds, got 5s/, { connectTimeoutMs: '5s' });
  says(/pingIntervalMs must be/, { pingIntervalMs: -1 });
  says(/unsupported nodeOptions.lookup: use discovery instead/, { nodeOptions: { lookup: () => {} } });
  says(/unsupported nodeOptions.createConnection/, { nodeOptions: { createConnection: () => {} } });
});

test('a transport of another origin is refused by connect-node, as with its own', async () => {
  const sessions = balancedSessions(BASE_URL);
  const transport = createGrpcTransport({
    baseUrl: 'http://billing.prod:50051',
    sessionManager: sessions,
  });
  const client = new EchoClient(transport);
  await assert.rejects(client.call(), /the http2 session is connected to http:\/\/orders\.prod:50051/);
  await sessions.close();
  assert.ok(createClient(ECHO, transport));
});
