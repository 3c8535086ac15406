import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { callsOf } from '../../support/answers.ts';
import { startBalanced } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';

const codeOf = (error: unknown) => ConnectError.from(error).code;

/** What the end of a call says of its pod, in each protocol in its own way. */
export function testOutcomes(protocol: 'gRPC' | 'Connect'): void {
  test(`${protocol}: a pod that answers UNAVAILABLE is ejected, by the status of the call`, async (t) => {
    const pods = await startConnectPods(t, 3);
    pods[0]!.fail(Code.Unavailable);
    const { client, stats } = startBalanced(t, pods, {}, protocol);
    await Promise.allSettled(Array.from({ length: 60 }, () => client.call()));
    while (stats().running > 0) await sleep(1);
    assert.deepEqual(
      stats().endpoints.map(({ state }) => state),
      ['ejected', 'ready', 'ready'],
    );
    const [before] = callsOf(pods);
    await client.calls(30, 3);
    assert.equal(callsOf(pods)[0], before);
  });

  test(`${protocol}: a pod is not ejected for what its callers did wrong`, async (t) => {
    const pods = await startConnectPods(t, 3);
    const { client, stats } = startBalanced(t, pods, {}, protocol);
    for (const pod of pods) pod.fail(Code.NotFound);
    for (let n = 0; n < 60; n++) {
      assert.equal(codeOf(await client.call().catch((error: unknown) => error)), Code.NotFound);
    }
    assert.ok(stats().endpoints.every(({ state, failures }) => state === 'ready' && failures === 0));
  });

  test(`${protocol}: calls that are cancelled are held against no pod, and end at the pod as well`, async (t) => {
    const pods = await startConnectPods(t, 2);
    const { client, stats } = startBalanced(t, pods, {}, protocol);
    await client.calls(4, 2);
    for (const pod of pods) pod.hold();
    for (let n = 0; n < 30; n++) {
      const controller = new AbortController();
      const calling = client.call({ signal: controller.signal }).catch((error: unknown) => error);
      while (stats().running === 0) await sleep(0);
      controller.abort();
      assert.equal(codeOf(await calling), Code.Canceled);
    }
    while (stats().running > 0) await sleep(1);
    const rows = stats().endpoints;
    assert.ok(
      rows.every(({ state, failures }) => state === 'ready' && failures === 0),
      JSON.stringify(rows),
    );
    for (const pod of pods) pod.release();
  });

  test(`${protocol}: a pod that lets callers' time run out is ejected`, async (t) => {
    const pods = await startConnectPods(t, 3);
    const { client, stats } = startBalanced(t, pods, {}, protocol);
    await client.calls(30, 3);
    pods[0]!.hold();
    // While this process stands still, as on a busy machine, time that runs out is held against no pod.
    while (stats().endpoints[0]!.state !== 'ejected') {
      const results = await Promise.allSettled(
        Array.from({ length: 60 }, () => client.call({ timeoutMs: 1_000 })),
      );
      const codes = results.flatMap((result) =>
        result.status === 'rejected' ? [codeOf(result.reason)] : [],
      );
      assert.ok(codes.length >= 5 && codes.every((code) => code === Code.DeadlineExceeded), codes.join());
      while (stats().running > 0) await sleep(1);
    }
    pods[0]!.release();
  });
}
