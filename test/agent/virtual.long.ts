import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildConnector } from 'undici';
import type { Clock } from '../../src/core/base/clock.ts';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPassingClock } from '../support/passing-clock.ts';
import { startPods } from '../support/pods.ts';
import { steady } from '../support/steady.ts';
import { startVirtualIp } from '../support/virtual-ip.ts';

/** A connector whose dials take so long that a request that waits on one stands out. */
function slowDials(milliseconds: number, clock: Clock): buildConnector.connector {
  const dial = buildConnector({});
  return (params, callback) => void clock.schedule(() => dial(params, callback), milliseconds);
}

test('no request waits on a dial while connections rotate', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods, { maxConnectionDuration: 1_000, connect: slowDials(120, clock), clock });
  await steady(agent, 100, 1.5, clock);
  const opened = pods.reduce((sum, { connections }) => sum + connections.length, 0);
  const times = await steady(agent, 100, 3, clock);
  assert.ok(pods.reduce((sum, { connections }) => sum + connections.length, 0) > opened, 'it did rotate');
  assert.ok(Math.max(...times) < 100, String(Math.max(...times)));
});

test('a trickle behind a virtual IP waits on no dial when its connection reaches its age', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 2);
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    maxConnectionDuration: 1_500,
    connect: slowDials(100, clock),
    clock,
  });
  await steady(agent, 4, 1, clock);
  const times = await steady(agent, 4, 4, clock);
  assert.ok(Math.max(...times) < 80, String(Math.max(...times)));
});

test('from a virtual IP to its pods and back under load: no request fails, none waits on a dial', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 5);
  const vip = await startVirtualIp(t, pods);
  const resolver = new ManualResolver();
  resolver.set([vip], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, connect: slowDials(300, clock), clock });
  await steady(agent, 200, 1.5, clock);
  clock.schedule(() => resolver.set(pods), 300);
  clock.schedule(() => resolver.set([vip], { virtual: true }), 2_600);
  const times = await steady(agent, 200, 5, clock);
  assert.ok(Math.max(...times) < 200, String(Math.max(...times)));
  assert.equal(agent.stats[ORIGIN]!.endpoints.length, 32);
});
