import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextTurn } from '../../../src/core/base/clock.ts';
import { installGrpc } from '../../../src/grpc.ts';
import { callsOf } from '../../support/answers.ts';
import { certificateFor } from '../../support/certificate.ts';
import { FakeClock } from '../../support/clock.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { EchoClient, startBalanced } from '../../support/grpc-client.ts';
import { GrpcPod, grpc, startGrpcPod, startGrpcPods } from '../../support/grpc-pod.ts';
import { ManualResolver } from '../../support/manual-resolver.ts';
import { nextAddress } from '../../support/pods.ts';

const { credentials, ServerCredentials, status, Metadata } = grpc;
const DNS = 'orders.test:50051';

for (const target of [DNS, `dns:${DNS}`, `dns:///${DNS}`]) {
  test(`calls to ${target} are balanced, and look the same to servers`, async (t) => {
    const pods = await startGrpcPods(t, 2);
    const { another } = startBalanced(t, pods, { hosts: ['orders.test'] });
    const client = another(target);
    await client.calls(10);
    assert.deepEqual(callsOf(pods), [5, 5]);
    if (pods[0]!.host !== '') assert.equal(pods[0]!.host, DNS);
  });
}

test('a target that is not managed is left to grpc-js', async (t) => {
  const [pod, other] = await startGrpcPods(t, 2);
  const { another, balancing } = startBalanced(t, [other!], { hosts: ['orders.test'] });
  const named = another(`localhost:${pod!.port}`);
  await assert.rejects(named.call(), { code: status.UNAVAILABLE });
  const foreign = startBalanced(t, [other!], { hosts: ['!*'] });
  assert.equal(await foreign.another(`${pod!.address}:${pod!.port}`).call(), pod!.address);
  assert.equal(await another(`ipv4:${pod!.address}:${pod!.port}`).call(), pod!.address);
  assert.deepEqual(Object.keys(balancing.stats).concat(Object.keys(foreign.balancing.stats)), []);
});

test('a server in the same process listens where it is told to', async (t) => {
  const { port } = await startGrpcPod(t);
  startBalanced(t, [], { hosts: ['127.*', 'localhost'] });
  const address = nextAddress();
  for (const host of [address, 'localhost']) {
    const server = new GrpcPod({ address: host });
    t.after(() => server.kill());
    await server.listen(port);
    assert.equal(server.port, port);
  }
});

test('after uninstall, channels that are made are left to grpc-js, and those that there are go on', async (t) => {
  const [pod, other] = await startGrpcPods(t, 2);
  const { another, balancing } = startBalanced(t, [other!], { hosts: ['127.*'] });
  const target = `${pod!.address}:${pod!.port}`;
  const before = another(target);
  assert.equal(await before.call(), other!.address);
  balancing.uninstall();
  assert.equal(await another(`dns:${target}`).call(), pod!.address);
  assert.equal(await before.call(), other!.address);
});

test('installing again replaces the options for channels that are made from then on', async (t) => {
  const [first, second] = await startGrpcPods(t, 2);
  const before = startBalanced(t, [first!]);
  assert.equal(await before.client.call(), first!.address);
  const after = startBalanced(t, [second!]);
  assert.equal(await after.client.call(), second!.address);
  assert.equal(await before.client.call(), first!.address);
});

for (const target of [
  'kube:///orders.prod',
  'kube:///orders.prod:50051/more',
  'kube://elsewhere/orders.prod:50051',
  'kube:///:50051',
  'kube:///',
]) {
  test(`a call to ${target} fails with what is wrong with that`, async (t) => {
    const { another } = startBalanced(t, []);
    const client = another(target);
    await assert.rejects(client.call(), { code: status.UNAVAILABLE, message: /expected kube:\/\/\/name/ });
  });
}

test('a name that leads nowhere fails calls with UNAVAILABLE; those that want to wait do', async (t) => {
  const pod = await startGrpcPod(t);
  const { client, resolver } = startBalanced(t, []);
  const patient = client.call({ waitForReady: true });
  resolver.say({ error: new Error('nobody knows it') });
  await assert.rejects(client.call(), { code: status.UNAVAILABLE, message: /nobody knows it/ });
  resolver.set([]);
  await nextTurn();
  await assert.rejects(client.call(), { code: status.UNAVAILABLE, message: /No addresses resolved/ });
  resolver.set([pod]);
  assert.equal(await patient, pod.address);
  assert.equal(await client.call({ waitForReady: true }), pod.address);
});

test('where no pod can be reached, calls fail with the reason', async (t) => {
  const pod = await startGrpcPod(t);
  pod.kill();
  const { client } = startBalanced(t, [pod]);
  await assert.rejects(client.call(), { code: status.UNAVAILABLE, message: /ECONNREFUSED/ });
});

test('a call that waits for a name that nothing is said of ends at its deadline', async (t) => {
  const { client } = startBalanced(t, []);
  await assert.rejects(client.call({ deadline: Date.now() + 50 }), { code: status.DEADLINE_EXCEEDED });
});

test("the caller's timeouts and retries of the service config are kept, and so are metadata", async (t) => {
  const pods = await startGrpcPods(t, 2);
  const config = {
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [
      { name: [{ service: 'test.Echo', method: 'Unary' }], timeout: '1s' },
      { name: [{}], waitForReady: true },
    ],
  };
  const { client } = startBalanced(t, pods, {}, { 'grpc.service_config': JSON.stringify(config) });
  // What it takes to connect is not for the calls with a timeout.
  assert.match(await client.upload(['ab', 'c']), / 3$/);
  await client.call({ metadata: { 'x-tenant': 'a' } });
  assert.deepEqual(
    pods.flatMap(({ metadata }) => metadata?.get('x-tenant') ?? []),
    ['a'],
  );
  for (const pod of pods) pod.onUnary = () => {};
  await assert.rejects(client.call(), { code: status.DEADLINE_EXCEEDED });
});

test('with TLS, pods show the certificate of the name, whatever scheme and port lead to it', async (t) => {
  const { key, cert } = certificateFor('DNS:orders.prod', 'DNS:orders.prod.svc', 'DNS:orders.test');
  const creds = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ]);
  const pods = await startGrpcPods(t, 2, { credentials: creds });
  startBalanced(t, pods, { hosts: ['orders.test'] });
  for (const target of [DNS, 'kube:///orders.prod:50051', 'kube:///orders.prod:grpc']) {
    const client = new EchoClient(target, {}, credentials.createSsl(Buffer.from(cert)));
    t.after(() => client.close());
    const answers = await client.calls(4);
    assert.equal(answers.size, 2);
  }
  const wrong = new EchoClient('kube:///elsewhere.prod:50051', {}, credentials.createSsl(Buffer.from(cert)));
  t.after(() => wrong.close());
  await assert.rejects(wrong.call(), { code: status.UNAVAILABLE, message: /altnames|identity/i });
});

test('call credentials are asked for each call, and may take their time', async (t) => {
  const { key, cert } = certificateFor('DNS:orders.prod');
  const creds = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ]);
  const pods = await startGrpcPods(t, 2, { credentials: creds });
  const { stats } = startBalanced(t, pods);
  let asked = 0;
  const token = credentials.createFromMetadataGenerator((_options, callback) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${++asked}`);
    setTimeout(callback, 5, null, metadata);
  });
  const client = new EchoClient(
    'kube:///orders.prod:50051',
    {},
    credentials.combineChannelCredentials(credentials.createSsl(Buffer.from(cert)), token),
  );
  t.after(() => client.close());
  const answers = await client.calls(40, 8);
  assert.equal(asked, 40);
  assert.deepEqual(
    [...answers.values()].map((count) => count >= 12),
    [true, true],
  );
  assert.equal(stats().running, 0);
});

test('behind http_proxy, targets are left to grpc-js', async (t) => {
  const pod = await startGrpcPod(t);
  let connects = 0;
  const proxy = createServer().on('connect', (_request, socket) => {
    connects++;
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const { another } = startBalanced(t, [pod], { hosts: ['orders.test', '127.*'] });
  process.env.grpc_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  t.after(() => delete process.env.grpc_proxy);
  await assert.rejects(another(DNS).call(), { code: status.UNAVAILABLE });
  assert.equal(connects, 1);
  assert.equal(pod.calls, 0);
});

test('what DNS says of a service has its pods looked up by the port of each', async (t) => {
  const pods = await startGrpcPods(t, 2);
  const resolver = new ManualResolver(pods);
  const targets: unknown[] = [];
  const balancing = installGrpc(grpc, {
    discovery: (target, signal) => {
      targets.push(target);
      return resolver.resolve(target, signal);
    },
  });
  t.after(() => balancing.uninstall());
  const client = new EchoClient('kube:///orders.prod:grpc');
  t.after(() => client.close());
  await client.calls(4);
  assert.deepEqual(targets, [{ hostname: '_grpc._tcp.orders.prod.svc', port: 443, protocol: 'http:' }]);
});

test('a channel that waits for it is told when it is ready', async (t) => {
  const [pod] = await startGrpcPods(t, 1);
  const { client } = startBalanced(t, [pod!]);
  await new Promise<void>((resolve, reject) => {
    client.stub.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve()));
  });
  assert.equal(client.stub.getChannel().getConnectivityState(false), 2);
});

test('a name that could not be looked up at first is balanced once it can be', async (t) => {
  const dns = await startDnsServer(t);
  const pod = await startGrpcPod(t);
  const clock = new FakeClock();
  const balancing = installGrpc(grpc, { dns: { servers: [dns.address] }, clock });
  t.after(() => balancing.uninstall());
  const target = `orders.later.test:${pod.port}`;
  const client = new EchoClient(target, {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 100,
    'grpc.dns_min_time_between_resolutions_ms': 100,
  });
  t.after(() => client.close());
  await assert.rejects(client.call(), { code: status.UNAVAILABLE });
  dns.set('orders.later.test', [pod.address]);
  // As long as a name is taken for a foreign one that could not be looked up.
  clock.advance('11s');
  let answer: string | undefined;
  while (answer === undefined) {
    answer = await client.call().catch(() => undefined);
    clock.advance(100);
    await sleep(5);
  }
  assert.equal(answer, pod.address);
  assert.deepEqual(Object.keys(balancing.stats), [`grpc://${target}`]);
});

test('a server that listens on one of the addresses of a name is reached', async (t) => {
  const dns = await startDnsServer(t);
  const pod = new GrpcPod({ address: '[::1]' });
  await pod.listen(0);
  t.after(() => pod.kill());
  dns.set('both.test', [nextAddress(), '::1']);
  const balancing = installGrpc(grpc, { dns: { servers: [dns.address] } });
  t.after(() => balancing.uninstall());
  const client = new EchoClient(`both.test:${pod.port}`);
  t.after(() => client.close());
  assert.equal(await client.call(), '[::1]');
  assert.equal(Object.keys(balancing.stats).length, 1);
});

test("a policy of the caller's own is kept", async (t) => {
  const [pod, other] = await startGrpcPods(t, 2);
  const { another, balancing } = startBalanced(t, [other!], { hosts: ['127.*'] });
  const config = JSON.stringify({ loadBalancingConfig: [{ of_their_own: {} }, { round_robin: {} }] });
  const client = another(`${pod!.address}:${pod!.port}`, { 'grpc.service_config': config });
  assert.equal(await client.call(), pod!.address);
  assert.deepEqual(balancing.stats, {});
});
