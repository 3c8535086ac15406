import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf } from '../../support/answers.ts';
import { jain, type Protocol, startBalanced } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';

/** Calls of each kind: of one message, and of streams to the pod, from the pod, and both ways. */
export function testKinds(protocol: Protocol): void {
  test(`${protocol}: calls of each kind are balanced over the pods, and go on as there are more of them`, async (t) => {
    const pods = await startConnectPods(t, 6);
    const { client, resolver, stats } = startBalanced(t, pods.slice(0, 3), {}, protocol);
    const round = async () => {
      await client.calls(60, 6);
      for (let n = 0; n < 12; n++) assert.match(await client.upload(['one', 'three']), / 8$/);
      for (let n = 0; n < 12; n++) {
        let messages = 0;
        for await (const _ of client.echo.serverStream({ value: '3' })) messages++;
        assert.equal(messages, 3);
      }
      if (protocol === 'gRPC-Web') return;
      for (let n = 0; n < 12; n++) {
        const bidi = client.bidi();
        assert.equal(await bidi.say('one'), 'one');
        assert.equal(await bidi.say('two'), 'two');
        await bidi.end();
      }
    };
    await round();
    assert.deepEqual(callsOf(pods.slice(3)), [0, 0, 0]);
    assert.ok(jain(callsOf(pods.slice(0, 3))) >= 0.98, callsOf(pods).join());
    resolver.set(pods);
    while (stats().endpoints.filter(({ connections }) => connections > 0).length < 6) await client.call();
    const before = callsOf(pods);
    await round();
    const since = callsOf(pods).map((calls, index) => calls - before[index]!);
    assert.ok(jain(since) >= 0.98, since.join());
    while (stats().running > 0) await sleep(1);
    assert.ok(stats().endpoints.every(({ failures, inFlight }) => failures === 0 && inFlight === 0));
  });
}
