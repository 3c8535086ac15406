import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { startBalanced } from '../../support/connect-client.ts';
import { startConnectPod, startConnectPods } from '../../support/connect-pod.ts';
import { startRelay } from '../../support/raw-server.ts';

test('a connection that answers no ping is ended, and calls go on elsewhere', async (t) => {
  const [hidden, pod] = await startConnectPods(t, 2);
  const frozen = await startRelay(t, hidden!);
  const { client } = startBalanced(t, [frozen, pod!], { pingIntervalMs: 20, pingTimeoutMs: 100 });
  // Of two calls at once, each gets one of two connections that are there.
  while (hidden!.calls === 0 || pod!.calls === 0) await client.call();
  hidden!.hold();
  pod!.hold();
  const calls = Promise.allSettled([client.call(), client.call()]);
  while (hidden!.open + pod!.open < 2) await sleep(1);
  frozen.freeze();
  await sleep(200);
  pod!.release();
  const results = await calls;
  const [failed] = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.equal(ConnectError.from(failed?.reason).code, Code.Unavailable);
  assert.match(ConnectError.from(failed?.reason).message, /no PING was answered for 100 ms/);
  assert.deepEqual(
    results.filter(({ status }) => status === 'fulfilled').map((each) => 'value' in each && each.value),
    [pod!.address],
  );
});

test('a connection that was idle is asked before it gets a call, and one that says nothing gets none', async (t) => {
  const hidden = await startConnectPod(t);
  const frozen = await startRelay(t, hidden);
  const { client, resolver, stats } = startBalanced(t, [frozen], { pingIntervalMs: 20, pingTimeoutMs: 100 });
  await client.call();
  await sleep(100);
  // It answers.
  await client.call();
  while (stats().running > 0) await sleep(1);
  await sleep(100);
  frozen.freeze();
  const calling = client.call();
  const pod = await startConnectPod(t);
  resolver.set([pod]);
  assert.equal(await calling, pod.address);
  assert.equal(hidden.calls, 2);
});
