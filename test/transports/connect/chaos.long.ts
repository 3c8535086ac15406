// Pods come, are killed and fail, calls of all kinds are given up, and this process stands still: nothing may hang, nor be left.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions } from '@connectrpc/connect';
import type { BalancedSessionsOptions } from '../../../src/connect.ts';
import { type EchoClient, type Protocol, startBalanced } from '../../support/connect-client.ts';
import { type ConnectPod, startConnectPod, startConnectPods } from '../../support/connect-pod.ts';
import { seededRandom } from '../../support/random.ts';

const DURATION = 3_000;
const CALLERS = 12;

const WORLDS: readonly BalancedSessionsOptions[] = [
  { maxConnectionDuration: 100 },
  { maxConnectionDuration: 300, connections: 1, maxRequestsPerConnection: 20 },
  { pingIntervalMs: 20, pingIdleConnection: true },
  { idleConnectionTimeoutMs: 30, policy: 'peak-ewma' },
];

/** One call, of any kind, which its caller may give up. */
async function callAnyhow({ echo }: EchoClient, random: () => number): Promise<void> {
  const controller = new AbortController();
  const options: CallOptions = { signal: controller.signal };
  if (random() < 0.2) setTimeout(() => controller.abort(), random() * 10);
  if (random() < 0.2) options.timeoutMs = 1 + random() * 30;
  const texts = async function* () {
    for (let n = 0; n < 3; n++) yield { value: 'x'.repeat(random() * 20_000) };
  };
  const kind = Math.floor(random() * 4);
  if (kind === 0) await echo.unary({ value: '' }, options);
  if (kind === 1) for await (const _ of echo.serverStream({ value: '9' }, options)) if (random() < 0.1) break;
  if (kind === 2) await echo.clientStream(texts(), options);
  if (kind === 3) for await (const _ of echo.bidi(texts(), options)) if (random() < 0.1) break;
}

/** Something happens to the pods, or to this process. */
async function happen(t: TestContext, pods: ConnectPod[], random: () => number): Promise<void> {
  const dice = random();
  const pod = pods[Math.floor(random() * pods.length)]!;
  if (dice < 0.3 && pods.length > 1) {
    pod.kill();
    pods.splice(pods.indexOf(pod), 1);
  } else if (dice < 0.6 && pods.length < 6) {
    pods.push(await startConnectPod(t, { delay: random() * 5 }));
  } else if (dice < 0.7) {
    pod.fail();
  } else if (dice < 0.9) {
    pod.release();
  } else {
    const until = performance.now() + 300;
    while (performance.now() < until);
  }
}

for (const [index, options] of WORLDS.entries()) {
  test(`chaos leaves nothing behind: ${JSON.stringify(options)}`, async (t) => {
    const random = seededRandom(index + 1);
    const pods = await startConnectPods(t, 4, { settings: { maxConcurrentStreams: 8 } });
    const { client, another, sessions, resolver, stats } = startBalanced(t, pods, options);
    const clients = [client, another({}, 'Connect' satisfies Protocol).client];
    let isOver = false;
    const callers = Array.from({ length: CALLERS }, async (_, n) => {
      while (!isOver) await callAnyhow(clients[n % 2]!, random).catch(() => {});
    });
    const from = performance.now();
    while (performance.now() - from < DURATION) {
      await sleep(20 + random() * 80);
      await happen(t, pods, random);
      resolver.set(pods);
    }
    isOver = true;
    await Promise.all(callers);
    while (stats().running > 0) await sleep(5);
    assert.ok(stats().endpoints.every(({ inFlight }) => inFlight === 0));
    for (const pod of pods) pod.release();
    await client.calls(20, 5);
    await sessions.close();
  });
}
