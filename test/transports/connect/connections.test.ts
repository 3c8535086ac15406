import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { callsOf, killOne } from '../../support/answers.ts';
import { certificateFor } from '../../support/certificate.ts';
import { FakeClock } from '../../support/clock.ts';
import { startBalanced, startStock } from '../../support/connect-client.ts';
import { startConnectPod, startConnectPods } from '../../support/connect-pod.ts';
import { startRawServer } from '../../support/raw-server.ts';

test('connections are renewed at their age, before they are let go, and no call fails', async (t) => {
  const pods = await startConnectPods(t, 3, { delay: 1 });
  const { client, stats } = startBalanced(t, pods, { maxConnectionDuration: 100 });
  const isRenewed = () =>
    stats().endpoints.every(({ opened }) => opened >= 5) &&
    pods.every(({ sessions }) => sessions.length >= 5);
  await client.call();
  while (!isRenewed()) await client.calls(20, 4);
  const rows = stats().endpoints;
  assert.ok(
    rows.every(({ opened, retired }) => retired >= opened - 2),
    JSON.stringify(rows),
  );
});

for (const protocol of ['gRPC', 'Connect'] as const) {
  test(`${protocol}: a stream goes on when its connection is renewed, and when its pod leaves`, async (t) => {
    const pods = await startConnectPods(t, 2);
    const { client, resolver, stats } = startBalanced(t, pods, { maxConnectionDuration: 60 }, protocol);
    const bidi = client.bidi();
    assert.equal(await bidi.say('one'), 'one');
    const owner = pods.find(({ open }) => open === 1)!;
    while (stats().endpoints.some(({ retired }) => retired < 2)) await client.calls(5);
    assert.equal(await bidi.say('two'), 'two');
    resolver.set(pods.filter((pod) => pod !== owner));
    await client.calls(5);
    assert.equal(await bidi.say('three'), 'three');
    const before = owner.calls;
    await client.calls(20);
    assert.equal(owner.calls, before);
    await bidi.end();
    while (owner.connections > 0) await sleep(1);
  });
}

test('calls fail with a pod that is killed only if they were under way there', async (t) => {
  const pods = await startConnectPods(t, 3);
  const { client } = startBalanced(t, pods);
  await killOne(pods, client);
});

test('streams go on after a GOAWAY, and calls go elsewhere', async (t) => {
  const pods = await startConnectPods(t, 2);
  const { client, stats } = startBalanced(t, pods);
  const bidi = client.bidi();
  assert.equal(await bidi.say('one'), 'one');
  const owner = pods.find(({ open }) => open === 1)!;
  owner.sessions[0]!.goaway(0, 2 ** 31 - 1);
  while (stats().endpoints.every(({ retired }) => retired === 0)) await sleep(1);
  await client.calls(20, 4);
  assert.equal(await bidi.say('two'), 'two');
  await bidi.end();
  assert.ok(owner.sessions.length >= 1);
});

test('calls are not queued behind a connection that takes no more of them', async (t) => {
  const pod = await startConnectPod(t, { settings: { maxConcurrentStreams: 10 } });
  pod.hold();
  const { client } = startBalanced(t, [pod]);
  const calls = Array.from({ length: 30 }, () => client.call());
  while (pod.open < 30) await sleep(1);
  assert.ok(pod.sessions.length <= 4, `${pod.sessions.length}`);
  pod.release();
  await Promise.all(calls);
});

test('where connections are limited, calls wait for room, and none fails', async (t) => {
  const pod = await startConnectPod(t, { settings: { maxConcurrentStreams: 4 }, delay: 2 });
  const { client } = startBalanced(t, [pod], { connections: 1 });
  await client.calls(60, 30);
  assert.equal(pod.sessions.length, 1);
});

test('a server that takes fewer streams than before is not given more', async (t) => {
  const pods = await startConnectPods(t, 1);
  const [pod] = pods;
  const { client } = startBalanced(t, pods);
  await client.call();
  pod!.sessions[0]!.settings({ maxConcurrentStreams: 2 });
  await client.call();
  pod!.hold();
  const calls = Array.from({ length: 6 }, () => client.call());
  while (pod!.open < 6) await sleep(1);
  assert.ok(pod!.sessions.length > 1);
  pod!.release();
  await Promise.all(calls);
});

test('TLS asks each pod for the name of the Service, and checks it', async (t) => {
  const certificate = certificateFor('DNS:orders.prod');
  const pods = await startConnectPods(t, 2, { certificate });
  const baseUrl = 'https://orders.prod:50051';
  const options = { nodeOptions: { ca: certificate.cert } };
  const { client } = startBalanced(t, pods, options, 'gRPC', baseUrl);
  await client.calls(20, 4);
  assert.ok(callsOf(pods).every((calls) => calls > 0));
  assert.ok(pods.every(({ authority }) => authority === 'orders.prod:50051'));
  const bad = startBalanced(t, pods, options, 'gRPC', 'https://billing.prod:50051');
  await assert.rejects(bad.client.call(), /altnames|certificate/i);
  const stock = startBalanced(t, pods, {}, 'gRPC', baseUrl);
  await assert.rejects(stock.client.call(), /self-signed/);
});

test('a pod that takes connections and says nothing gets no call while there are others', async (t) => {
  const pods = await startConnectPods(t, 2);
  const silent = await startRawServer(t);
  const clock = new FakeClock();
  const { client, stats } = startBalanced(t, [...pods, silent], { clock });
  const calls = client.calls(60, 60);
  while (stats().endpoints.filter(({ connections }) => connections > 0).length < 2) await sleep(1);
  assert.deepEqual(callsOf(pods), [0, 0]);
  // As long as they wait for the third.
  clock.advance(20);
  await calls;
  assert.ok(Math.max(...callsOf(pods)) <= 36, callsOf(pods).join());
});

test('calls are failed as unavailable where nobody listens, as connect-node fails them', async (t) => {
  const [pod] = await startConnectPods(t, 1);
  pod!.kill();
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error) => ConnectError.from(error).code,
    );
  const stock = await codeOf(startStock(t, pod!).client.call());
  const { client, resolver } = startBalanced(t, [pod!], { endpointTimeout: 50 });
  assert.deepEqual([await codeOf(client.call()), stock], [Code.Unavailable, Code.Unavailable]);
  resolver.set([]);
  assert.equal(await codeOf(client.call()), Code.Unavailable);
});

test('idle connections are closed after the time that connect-node is told', async (t) => {
  const pods = await startConnectPods(t, 2);
  const { client } = startBalanced(t, pods, { idleConnectionTimeoutMs: 50 });
  await client.calls(10, 5);
  while (pods.some(({ connections }) => connections > 0)) await sleep(5);
  await client.calls(10, 5);
});
