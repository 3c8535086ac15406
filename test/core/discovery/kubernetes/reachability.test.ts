import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Reachability } from '../../../../src/core/discovery/kubernetes/reachability.ts';
import { settled, WatchedClock } from './setup.ts';

const CLUSTER_IP = { address: '10.96.0.10', port: 80 };
const PODS = [1, 2, 3, 4, 5].map((n) => ({ address: `10.0.0.${n}`, port: 8080 }));

function setUp(t: TestContext, connectable: Set<string>) {
  const clock = new WatchedClock();
  const changes: boolean[] = [];
  const dialled: string[] = [];
  const reachability = new Reachability({
    clock,
    random: () => 0,
    onChange: (reachable) => changes.push(reachable),
    canConnect: async ({ address }) => {
      dialled.push(address);
      return connectable.has(address);
    },
  });
  t.after(() => reachability.close());
  return { clock, changes, dialled, reachability };
}

test('pods that cannot be dialled while their ClusterIP can are out of reach', async (t) => {
  const { reachability, changes } = setUp(t, new Set([CLUSTER_IP.address]));
  await reachability.onUnreachable(CLUSTER_IP, () => PODS);
  assert.equal(reachability.reachable, false);
  assert.deepEqual(changes, [false]);
});

test('when the ClusterIP cannot be dialled either, the pods are down: nothing changes', async (t) => {
  const { reachability, changes, clock } = setUp(t, new Set());
  await reachability.onUnreachable(CLUSTER_IP, () => PODS);
  assert.equal(reachability.reachable, true);
  assert.deepEqual(changes, []);
  assert.equal(clock.pending, 0);
});

test('doubts that come while one is looked into add nothing', async (t) => {
  const { reachability, dialled, changes } = setUp(t, new Set([CLUSTER_IP.address]));
  await Promise.all([1, 2, 3].map(() => reachability.onUnreachable(CLUSTER_IP, () => PODS)));
  await reachability.onUnreachable(CLUSTER_IP, () => PODS);
  assert.deepEqual(dialled, [CLUSTER_IP.address]);
  assert.deepEqual(changes, [false]);
});

test('three pods are tried again after a minute, then ever more rarely, until one can be reached', async (t) => {
  const connectable = new Set([CLUSTER_IP.address]);
  const { reachability, clock, changes, dialled } = setUp(t, connectable);
  await reachability.onUnreachable(CLUSTER_IP, () => PODS);
  for (const pause of [60_000, 120_000, 240_000, 480_000, 600_000]) await clock.pass(pause);
  await clock.asked(600_000);
  assert.equal(dialled.length, 1 + 5 * 3);

  for (const { address } of PODS) connectable.add(address);
  clock.advance(600_000);
  await settled();
  assert.deepEqual(changes, [false, true]);
  assert.equal(reachability.reachable, true);
  assert.equal(clock.pending, 0);
});

test('once closed it does nothing more', async (t) => {
  const { reachability, clock, changes } = setUp(t, new Set([CLUSTER_IP.address]));
  const doubt = reachability.onUnreachable(CLUSTER_IP, () => PODS);
  reachability.close();
  await doubt;
  assert.deepEqual(changes, []);
  assert.equal(clock.pending, 0);
});

test('it dials for real', async (t) => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const check = async (clusterIP: { address: string; port: number }) => {
    const reachability = new Reachability({ clock: new WatchedClock(), random: () => 0, onChange: () => {} });
    await reachability.onUnreachable(clusterIP, () => []);
    return reachability.reachable;
  };
  assert.equal(await check({ address: '127.0.0.1', port }), false);
  assert.equal(await check({ address: '127.0.0.2', port }), true);
});

test('whoever waits for it hears that the ClusterIP cannot be dialled either', async (t) => {
  const { reachability } = setUp(t, new Set());
  const doubt = reachability.onUnreachable(CLUSTER_IP, () => PODS);
  assert.equal(reachability.hasNews, true);
  assert.equal(await reachability.onUnreachable(CLUSTER_IP, () => PODS), false);
  assert.equal(await doubt, true);
  assert.equal(reachability.hasNews, false);
});
