import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { callsOf } from '../../support/answers.ts';
import { startBalanced } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';
import { startH2Pod } from '../../support/h2-pod.ts';
import { testOutcomes } from './outcomes.ts';

const codeOf = (error: unknown) => ConnectError.from(error).code;

testOutcomes('gRPC');

test('a pod that resets its streams, or breaks its connections, is ejected', async (t) => {
  for (const misbehave of [
    (stream: ServerHttp2Stream) => stream.close(2),
    // A turn later: servers in Node 22 don't survive it while they read.
    (stream: ServerHttp2Stream) => setImmediate(() => stream.session?.destroy()),
  ]) {
    const [pods, bad] = await Promise.all([startConnectPods(t, 2), startH2Pod(t, misbehave)]);
    const { client, stats } = startBalanced(t, [bad, ...pods]);
    await client.call().catch(() => {});
    const isOut = () => stats().endpoints[0]!.state === 'ejected';
    for (let n = 0; n < 20 && !isOut(); n++) {
      await Promise.allSettled(Array.from({ length: 12 }, () => client.call()));
    }
    assert.ok(isOut(), JSON.stringify(stats().endpoints));
  }
});

test('a call that its caller has closed is over, though Node keeps its stream', async (t) => {
  const { promise: opened, resolve } = Promise.withResolvers<void>();
  const pod = await startH2Pod(t, () => resolve(), { initialWindowSize: 0 });
  const { client, stats } = startBalanced(t, [pod]);
  const controller = new AbortController();
  const calling = client.echo
    .unary({ value: 'x'.repeat(100_000) }, { signal: controller.signal })
    .catch((error: unknown) => error);
  await opened;
  controller.abort();
  assert.equal(codeOf(await calling), Code.Canceled);
  assert.equal(stats().running, 0);
});

test('a pod that says for how long it wants no calls gets none', async (t) => {
  const pods = await startConnectPods(t, 3);
  const { client, stats } = startBalanced(t, pods);
  await client.calls(30, 3);
  const metadata = new Headers({ 'grpc-retry-pushback-ms': '60000' });
  pods[0]!.onUnary = () => Promise.reject(new ConnectError('enough', Code.ResourceExhausted, metadata));
  while (stats().endpoints.every(({ reasons }) => !reasons.includes('paused')))
    await client.call().catch(() => {});
  const before = callsOf(pods)[0];
  await client.calls(50, 5);
  assert.equal(callsOf(pods)[0], before);
});

test('a call whose time is over while it waits is not sent', async (t) => {
  const pods = await startConnectPods(t, 1);
  const { client, resolver } = startBalanced(t, []);
  await assert.rejects(client.call({ timeoutMs: 20 }), (error) => codeOf(error) === Code.DeadlineExceeded);
  await sleep(150);
  resolver.set(pods);
  assert.equal(await client.call(), pods[0]!.address);
  assert.deepEqual(callsOf(pods), [1]);
});

test('calls are bound to pods by a header', async (t) => {
  const pods = await startConnectPods(t, 4);
  const { client } = startBalanced(t, pods, { policy: 'ring-hash', ringHash: { header: 'x-user' } });
  const answers: string[] = [];
  for (let n = 0; n < 40; n++) answers.push(await client.call({ headers: { 'x-user': `${n % 8}` } }));
  for (let n = 0; n < 40; n++) assert.equal(answers[n], answers[n % 8]);
  assert.ok(new Set(answers).size > 1);
});
