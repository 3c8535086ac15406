import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { buildConnector } from 'undici';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { type Pod, settle, startPod } from '../../support/pods.ts';

interface Stage {
  readonly pod: Pod;
  readonly agent: BalancedAgent;
  readonly clock: FakeClock;
}

/** A pod with two connections. The second one was made for a request that the first one has served meanwhile. */
async function startWithSpare(t: TestContext, options: BalancedAgentOptions = {}): Promise<Stage> {
  const pod = await startPod(t, { keepAliveTimeout: 65_000 });
  const clock = new FakeClock();
  const dial = buildConnector({});
  const dials: (() => void)[] = [];
  let holds = false;
  const agent = startAgent(t, [pod], {
    clock,
    connect: (params, callback) => {
      if (holds) dials.push(() => dial(params, callback));
      else dial(params, callback);
    },
    ...options,
  });
  for (let n = 0; n < 3; n++) await get(agent);
  holds = true;
  const slow = get(agent, '/slow');
  await pod.received('/slow');
  const waiting = get(agent);
  while (dials.length === 0) await settle();
  pod.release('/slow');
  await Promise.all([slow, waiting]);
  const connected = once(pod, 'connection');
  dials[0]!();
  await connected;
  await settle();
  assert.deepEqual(requestsOf(pod), [5, 0]);
  return { pod, agent, clock };
}

function requestsOf(pod: Pod): number[] {
  return pod.connections.map(({ requests }) => requests);
}

test('a server that closes its idle connections waits a second at most for one that no request needed', async (t) => {
  const { pod, clock } = await startWithSpare(t);
  clock.advance('2500ms');
  const closed = once(pod.server, 'close');
  pod.server.close();
  while (pod.sockets.size > 1) await settle();
  await settle();
  clock.advance('1s');
  await closed;
});

test('a connection that no request needed stays while its pod keeps the others', async (t) => {
  const { pod, agent, clock } = await startWithSpare(t);
  for (let second = 0; second < 30; second++) clock.advance('1s');
  await settle();
  const burst = [get(agent, '/slow'), get(agent, '/slow')];
  while (pod.requests < 7) await settle();
  assert.deepEqual(requestsOf(pod), [6, 1]);
  pod.release('/slow');
  pod.release('/slow');
  await Promise.all(burst);
});

test('the only connection of a pod waits for its first request as long as a used one would', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const controller = new AbortController();
  const agent = startAgent(t, [pod], { clock });
  const connected = once(pod, 'connection');
  const given = agent.request({
    origin: 'http://orders.prod',
    path: '/',
    method: 'GET',
    signal: controller.signal,
  });
  controller.abort();
  await assert.rejects(given);
  await connected;
  clock.advance('3s');
  await settle();
  assert.equal(pod.sockets.size, 1);
});
