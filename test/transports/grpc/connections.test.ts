import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextTurn } from '../../../src/core/base/clock.ts';
import { killOne, openOf } from '../../support/answers.ts';
import { EchoClient, jain, ORIGIN, startBalanced } from '../../support/grpc-client.ts';
import { startEndingPods } from '../../support/grpc-ending.ts';
import { answerOk, startGrpcPod, startGrpcPods } from '../../support/grpc-pod.ts';
import { startH2Pod } from '../../support/h2-pod.ts';

/** In Node 26, older versions of grpc-js don't send such a call again, whatever the policy. */
const REFUSED_WRITE = 'Write error: Stream closed with error code NGHTTP2_REFUSED_STREAM';

function ignoreRefusedWrite(error: Error): void {
  if (!error.message.endsWith(REFUSED_WRITE)) throw error;
}

test('connections are renewed at their age, before they are let go, and no call fails', async (t) => {
  const pods = await startGrpcPods(t, 3, { delay: 1 });
  const { client, stats } = startBalanced(t, pods, { maxConnectionDuration: 100 });
  const isRenewed = () =>
    stats().endpoints.every(({ opened }) => opened >= 5) && pods.every(({ peers }) => peers.size >= 5);
  await client.call();
  while (!isRenewed()) await client.calls(20, 4);
  const rows = stats().endpoints;
  assert.ok(
    rows.every(({ opened, retired }) => retired >= opened - 2),
    JSON.stringify(rows),
  );
});

test('a stream goes on when its connection is renewed, and when its pod leaves', async (t) => {
  const pods = await startGrpcPods(t, 2);
  const { client, resolver, stats } = startBalanced(t, pods, { maxConnectionDuration: 60 });
  const stream = client.bidi();
  stream.write(Buffer.from('one'));
  assert.equal(`${(await once(stream, 'data'))[0]}`, 'one');
  const owner = pods.find(({ open }) => open === 1)!;
  while (stats().endpoints.some(({ retired }) => retired < 2)) await client.calls(5);
  stream.write(Buffer.from('two'));
  assert.equal(`${(await once(stream, 'data'))[0]}`, 'two');
  resolver.set(pods.filter((pod) => pod !== owner));
  await client.calls(5);
  stream.write(Buffer.from('three'));
  assert.equal(`${(await once(stream, 'data'))[0]}`, 'three');
  const before = owner.calls;
  await client.calls(20);
  assert.equal(owner.calls, before);
  stream.end();
  await once(stream, 'status');
});

test('calls fail with a pod that is killed only if they were under way there', async (t) => {
  const pods = await startGrpcPods(t, 3, { delay: 5 });
  const { client } = startBalanced(t, pods);
  await killOne(pods, client);
});

test("with the caller's retryPolicy, none fails when a pod is killed", async (t) => {
  const pods = await startGrpcPods(t, 3, { delay: 5 });
  const config = {
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.01s',
          maxBackoff: '0.05s',
          backoffMultiplier: 2,
          retryableStatusCodes: ['UNAVAILABLE', 'INTERNAL'],
        },
      },
    ],
  };
  const { client } = startBalanced(t, pods, {}, { 'grpc.service_config': JSON.stringify(config) });
  await client.calls(30, 6);
  const [victim, ...others] = pods;
  // What a pod has begun to answer is not sent again, by anybody.
  for (const pod of pods) pod.hold();
  const answers = client.calls(30, 30);
  while (openOf(pods) < 30) await sleep(1);
  assert.ok(victim!.open > 0);
  victim!.kill();
  for (const pod of others) pod.release();
  const counts = await answers;
  assert.deepEqual([...counts.keys()].sort(), others.map(({ address }) => address).sort());
});

test('a pod that ends its connections politely, again and again, fails no call', async (t) => {
  const pods = await Promise.all(Array.from({ length: 3 }, () => startH2Pod(t, answerOk)));
  const { client, stats } = startBalanced(t, pods);
  await client.calls(10, 5);
  for (let n = 0; n < 12; n++) {
    const { sessions } = pods[n % 3]!;
    const session = sessions.at(-1)!;
    const before = sessions.length;
    session.goaway(0, 2 ** 31 - 1);
    // What is sent in this very turn may get lost in Node's HTTP/2, whoever sends it.
    while (sessions.length === before) await sleep(1);
    await client.calls(20, 5);
    session.close();
  }
  assert.deepEqual(
    pods.map(({ sessions }) => sessions.length),
    [5, 5, 5],
  );
  assert.ok(jain(pods.map(({ streams }) => streams)) >= 0.95, pods.map(({ streams }) => streams).join());
  assert.ok(stats().endpoints.every(({ failures, state }) => failures === 0 && state === 'ready'));
});

test('calls under way all the time go on while pods end their connections politely, one after the other', async (t) => {
  const pods = await Promise.all(Array.from({ length: 3 }, () => startH2Pod(t, answerOk)));
  const { client, stats } = startBalanced(t, pods);
  await client.calls(10, 5);
  let served = 0;
  let isOver = false;
  const worker = async () => {
    try {
      while (!isOver) {
        await client.call().catch(ignoreRefusedWrite);
        served++;
      }
    } finally {
      isOver = true;
    }
  };
  const workers = Promise.all(Array.from({ length: 6 }, worker));
  for (let n = 0; n < 24 && !isOver; n++) {
    const { sessions } = pods[n % 3]!;
    const session = sessions.at(-1)!;
    const before = sessions.length;
    session.goaway(0, 2 ** 31 - 1);
    // It takes what was sent before its word was read.
    while (sessions.length === before && !isOver) await sleep(1);
    session.close();
    const until = served + 30;
    while (served < until && !isOver) await sleep(1);
  }
  isOver = true;
  await workers;
  assert.ok(stats().endpoints.every(({ failures, state }) => failures === 0 && state === 'ready'));
});

test('calls that are made while the ends of all connections lie unread are served', async (t) => {
  const ending = await startEndingPods(t, 3);
  const { client, stats } = startBalanced(t, ending.pods);
  await client.calls(30, 6);
  for (let n = 0; n < 5; n++) {
    ending.endWhileHeld();
    const answers = await client.calls(30, 30);
    assert.equal(
      [...answers.values()].reduce((sum, count) => sum + count),
      30,
    );
  }
  assert.ok(stats().endpoints.every(({ failures, state }) => failures === 0 && state === 'ready'));
});

test('where a server takes few calls at a time, more connections are made to it', async (t) => {
  const pod = await startGrpcPod(t, { server: { 'grpc.max_concurrent_streams': 10 } });
  const { client, stats } = startBalanced(t, [pod]);
  await client.call();
  pod.hold();
  const calls = client.calls(30, 30);
  // On one connection there would be ten.
  while (pod.open < 30) await sleep(1);
  assert.equal(stats().connected, 3);
  pod.release();
  await calls;
});

test('no more connections are made than `connections` says; further calls wait their turn', async (t) => {
  const pod = await startGrpcPod(t, { delay: 10, server: { 'grpc.max_concurrent_streams': 2 } });
  const { client, stats } = startBalanced(t, [pod], { connections: 2 });
  // With versions before 1.13, nobody knows the limit before the first answer.
  await client.call();
  await client.calls(20, 20);
  assert.equal(stats().connected, 2);
  assert.equal(pod.peers.size, 2);
});

test('another pod at the address of an old one is connected anew', async (t) => {
  const pod = await startGrpcPod(t);
  const { client, resolver } = startBalanced(t, []);
  resolver.set([{ endpoint: { ...pod.endpoint, id: 'one' } }]);
  await client.call();
  resolver.set([{ endpoint: { ...pod.endpoint, id: 'two' } }]);
  await nextTurn();
  await client.call();
  assert.equal(pod.peers.size, 2);
});

test('a virtual IP is taken for as many connections as `spread` says', async (t) => {
  const pod = await startGrpcPod(t, { delay: 1 });
  const { client, resolver, another, stats } = startBalanced(t, [], { spread: 8 });
  resolver.set([pod], { virtual: true });
  await client.calls(80, 8);
  await another().calls(80, 8);
  assert.equal(pod.peers.size, 8);
  assert.equal(stats().connected, 8);
  const requests = stats().endpoints.map((row) => row.requests);
  assert.ok(
    requests.every((count) => count >= 10),
    requests.join(),
  );
});

test('a channel that is closed lets go of what no other one uses', async (t) => {
  const [pod] = await startGrpcPods(t, 1);
  const { client, another, balancing } = startBalanced(t, [pod!], { originIdleTimeout: 50 });
  const other = another();
  await client.call();
  await other.call();
  client.close();
  assert.equal(await other.call(), pod!.address);
  other.close();
  assert.equal(balancing.stats[ORIGIN]!.connected, 0);
  while (ORIGIN in balancing.stats) await sleep(5);
  const again = new EchoClient();
  t.after(() => again.close());
  assert.equal(await again.call(), pod!.address);
});
