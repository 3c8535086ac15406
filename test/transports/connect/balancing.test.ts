import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jain, PROTOCOLS, type Protocol, startBalanced } from '../../support/connect-client.ts';
import { callsOf, startConnectPods } from '../../support/connect-pod.ts';

for (const protocol of Object.keys(PROTOCOLS) as Protocol[]) {
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

test('a pod that is slow gets fewer calls', async (t) => {
  const pods = await startConnectPods(t, 3, { delay: 4 });
  pods[0]!.delay = 120;
  const { client } = startBalanced(t, pods);
  await client.calls(300, 12);
  const [slow, ...others] = callsOf(pods);
  for (const calls of others) assert.ok(calls > 2 * slow!, callsOf(pods).join());
});

test('the first burst is shared out among all pods, over few connections', async (t) => {
  const pods = await startConnectPods(t, 3, { delay: 5 });
  const { client } = startBalanced(t, pods);
  await client.calls(60, 60);
  assert.ok(Math.max(...callsOf(pods)) <= 24, callsOf(pods).join());
  assert.deepEqual(
    pods.map(({ sessions }) => sessions.length),
    [1, 1, 1],
  );
});

test('two session managers of one target share its connections, and one count', async (t) => {
  const pods = await startConnectPods(t, 3);
  for (const pod of pods) pod.hold();
  const { client, another, stats } = startBalanced(t, pods);
  const { client: other } = another({}, 'Connect');
  const calls = [...Array(3).fill(client), ...Array(3).fill(other)].map((each) => each.call());
  while (pods.reduce((sum, { open }) => sum + open, 0) < 6) await sleep(1);
  assert.deepEqual(
    pods.map(({ open }) => open),
    [2, 2, 2],
  );
  assert.deepEqual(
    stats().endpoints.map(({ inFlight }) => inFlight),
    [2, 2, 2],
  );
  for (const pod of pods) pod.release();
  await Promise.all(calls);
  assert.deepEqual(
    pods.map(({ sessions }) => sessions.length),
    [1, 1, 1],
  );
});
