import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf } from '../../support/answers.ts';
import { startBalanced } from '../../support/grpc-client.ts';
import { grpc, startGrpcPods } from '../../support/grpc-pod.ts';

const { status, Metadata } = grpc;

test('a pod that answers UNAVAILABLE is ejected', async (t) => {
  const pods = await startGrpcPods(t, 3);
  pods[0]!.fail(status.UNAVAILABLE);
  const { client, stats } = startBalanced(t, pods);
  await Promise.allSettled(Array.from({ length: 60 }, () => client.call()));
  assert.deepEqual(
    stats().endpoints.map(({ state }) => state),
    ['ejected', 'ready', 'ready'],
  );
  const [before] = callsOf(pods);
  await client.calls(30, 3);
  assert.equal(pods[0]!.calls, before);
});

test('a pod that answers with errors of its app has its share, and is not ejected', async (t) => {
  const pods = await startGrpcPods(t, 3);
  pods[0]!.fail(status.NOT_FOUND);
  const { client, stats } = startBalanced(t, pods);
  for (let n = 0; n < 30; n++) await Promise.allSettled([client.call(), client.call()]);
  assert.ok(stats().endpoints.every(({ state }) => state === 'ready'));
  const counts = callsOf(pods);
  assert.ok(counts[0]! >= 10 && counts[0]! <= 30, counts.join());
});

test('outlierDetection.failures names the statuses of HTTP that mean the same', async (t) => {
  const pods = await startGrpcPods(t, 3);
  pods[0]!.fail(status.INTERNAL);
  const { client, stats } = startBalanced(t, pods, { outlierDetection: { failures: ['500'] } });
  await Promise.allSettled(Array.from({ length: 60 }, () => client.call()));
  assert.equal(stats().endpoints[0]!.state, 'ejected');
});

test('calls that their callers give up are held against no pod', async (t) => {
  const pods = await startGrpcPods(t, 2, { delay: 10_000 });
  const { client, stats } = startBalanced(t, pods);
  for (let n = 0; n < 4; n++) {
    const streams = await Promise.all([client.stream(), client.stream(), client.stream(), client.stream()]);
    for (const stream of streams) stream.cancel();
  }
  while (stats().running > 0) await sleep(1);
  assert.ok(stats().endpoints.every(({ state, failures }) => state === 'ready' && failures === 0));
});

test('a pod that does not answer in time is ejected, and its calls fail with what grpc-js says', async (t) => {
  const pods = await startGrpcPods(t, 3);
  const { client, stats } = startBalanced(t, pods);
  await client.calls(30, 3);
  pods[0]!.onUnary = () => {};
  // While this process stands still, as on a busy machine, time that runs out is held against no pod.
  while (stats().endpoints[0]!.state !== 'ejected') {
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, () => client.call({ deadline: Date.now() + 1_000 })),
    );
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.ok(errors.length > 0);
    assert.ok(errors.every(({ code }) => code === status.DEADLINE_EXCEEDED));
  }
});

test('a pod that asks for a pause by grpc-retry-pushback-ms gets one', async (t) => {
  const pods = await startGrpcPods(t, 3);
  const { client, stats } = startBalanced(t, pods);
  await client.calls(9, 3);
  const metadata = new Metadata();
  metadata.set('grpc-retry-pushback-ms', '60000');
  pods[0]!.fail(status.UNAVAILABLE, metadata);
  await Promise.allSettled([client.call(), client.call(), client.call()]);
  // Versions before 1.14 don't tell.
  if (grpcTellsMetadata()) assert.deepEqual(stats().endpoints[0]!.reasons, ['paused']);
});

function grpcTellsMetadata(): boolean {
  return !/^grpc1/.test(process.env.TEST_GRPC_JS ?? '');
}
