import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf } from '../../support/answers.ts';
import { type EchoStream, jain, startBalanced } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';
import { startVirtualIp } from '../../support/virtual-ip.ts';

test('a pod that ends its connections politely, again and again, fails no call', async (t) => {
  const pods = await startConnectPods(t, 3);
  const { client, stats } = startBalanced(t, pods);
  const retirements = () => stats().endpoints.reduce((sum, { retired }) => sum + retired, 0);
  await client.calls(12, 6);
  for (let n = 0; n < 12; n++) {
    const session = pods[n % 3]!.sessions.at(-1)!;
    session.goaway(0, 2 ** 31 - 1);
    // What is sent in this very turn may get lost in Node's HTTP/2, whoever sends it.
    while (retirements() === n) await sleep(1);
    await client.calls(20, 5);
    session.close();
  }
  assert.ok(jain(callsOf(pods)) >= 0.95, callsOf(pods).join());
  assert.ok(stats().endpoints.every(({ failures, state }) => failures === 0 && state === 'ready'));
});

test('a virtual IP is taken for several connections, which lead to different pods', async (t) => {
  const pods = await startConnectPods(t, 4);
  const ip = await startVirtualIp(t, pods);
  const { client, resolver } = startBalanced(t, [ip], { spread: 8 });
  resolver.set([ip], { virtual: true });
  await client.calls(400, 16);
  assert.ok(jain(callsOf(pods)) >= 0.9, callsOf(pods).join());
  assert.equal(
    pods.reduce((sum, { sessions }) => sum + sessions.length, 0),
    8,
  );
});

test('many streams and calls at once leave nothing behind', async (t) => {
  const pods = await startConnectPods(t, 3);
  const { client, stats } = startBalanced(t, pods);
  const streams: EchoStream[] = await Promise.all(Array.from({ length: 30 }, () => client.stream()));
  await client.calls(50, 10);
  for (const stream of streams) stream.end();
  while (stats().running > 0 || pods.some(({ open }) => open > 0)) await sleep(1);
  assert.ok(stats().endpoints.every(({ failures, inFlight }) => failures === 0 && inFlight === 0));
});
