import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClusterIp } from '../../support/memory-cluster-ip.ts';

const RATE = 100;

test('behind a ClusterIP, pods that name themselves have alike', async (t) => {
  const clusterIp = new MemoryClusterIp(t, { ready: 3 });
  await clusterIp.run(RATE, 10);
  clusterIp.ready = clusterIp.service.pods;
  await clusterIp.run(RATE, 10);
  const seen = await clusterIp.run(RATE, 10);
  assert.ok(seen.jain >= 0.98, seen.requests.join());
  assert.equal(seen.failures + seen.waits, 0);
});

test('at one request a second, pods that name themselves have few connections, and no request waits for one', async (t) => {
  const clusterIp = new MemoryClusterIp(t, { pods: 3 });
  await clusterIp.run(1, 20);
  const seen = await clusterIp.run(1, 120);
  assert.ok(clusterIp.service.open <= 3, `${clusterIp.service.open}`);
  assert.ok(seen.waits <= 1, `${seen.waits}`);
});

test('with ring-hash, keys lead to connections: the default header is not looked at', async (t) => {
  const clusterIp = new MemoryClusterIp(t, { pods: 3, options: { policy: 'ring-hash' } });
  await clusterIp.run(RATE, 5);
  assert.equal(clusterIp.service.service.endpoints.namesPods, false);
  const asked = new MemoryClusterIp(t, {
    pods: 3,
    options: { policy: 'ring-hash', identityHeader: 'x-pod' },
  });
  asked.naming = (n) => ({ 'x-pod': `pod-${n}` });
  await asked.run(RATE, 5);
  assert.equal(asked.service.service.endpoints.namesPods, true);
});

test('a limit on connections holds for each pod that names itself, while others are looked for', async (t) => {
  const clusterIp = new MemoryClusterIp(t, { pods: 3, options: { connections: 2 } });
  await clusterIp.run(RATE, 20);
  for (const { wires } of clusterIp.service.pods) assert.ok(wires.size <= 3, `${wires.size}`);
});
