import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { buildConnector } from 'undici';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';
import { steady } from '../support/steady.ts';
import { startVirtualIp } from '../support/virtual-ip.ts';

/** A connector whose dials take so long that a request that waits on one stands out. */
function slowDials(milliseconds: number): buildConnector.connector {
  const dial = buildConnector({});
  return (params, callback) => setTimeout(() => dial(params, callback), milliseconds);
}

test('no request waits on a dial while connections rotate', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { maxConnectionDuration: 1_000, connect: slowDials(120) });
  await steady(agent, 100, 1.5);
  const opened = pods.reduce((sum, { connections }) => sum + connections.length, 0);
  const times = await steady(agent, 100, 3);
  assert.ok(pods.reduce((sum, { connections }) => sum + connections.length, 0) > opened, 'it did rotate');
  assert.ok(Math.max(...times) < 100, String(Math.max(...times)));
});

test('a trickle behind a virtual IP waits on no dial when its connection reaches its age', async (t) => {
  const pods = await startPods(t, 2);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    maxConnectionDuration: 1_500,
    connect: slowDials(100),
  });
  await steady(agent, 4, 1);
  const times = await steady(agent, 4, 4);
  assert.ok(Math.max(...times) < 80, String(Math.max(...times)));
});

test('from a virtual IP to its pods and back under load: no request fails, none waits on a dial', async (t) => {
  const pods = await startPods(t, 5);
  const vip = await startVirtualIp(t, pods);
  const resolver = new ManualResolver();
  resolver.set([vip], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, connect: slowDials(300) });
  await steady(agent, 200, 1.5);
  setTimeout(() => resolver.set(pods), 300);
  setTimeout(() => resolver.set([vip], { virtual: true }), 2_600);
  const heldUp = monitorEventLoopDelay({ resolution: 5 });
  heldUp.enable();
  const times = await steady(agent, 200, 5);
  heldUp.disable();
  // Less than a dial takes, but for what this process was held up by others: client and pods, once each.
  const most = 200 + (2 * heldUp.max) / 1e6;
  assert.ok(Math.max(...times) < most, `${Math.max(...times)}, ${most} at most`);
  assert.equal(agent.stats[ORIGIN]!.endpoints.length, 32);
});
