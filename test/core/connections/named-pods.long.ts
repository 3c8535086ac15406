import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { identified, MemoryClusterIp, type Naming } from '../../support/memory-cluster-ip.ts';

const RATE = 100;
const HALF = 5;

for (const multiplexes of [false, true]) {
  describe(`behind a ClusterIP, ${multiplexes ? 'h2' : 'h1'}, with default options`, () => {
    test('pods that name themselves have alike, and less than two dials a second find new ones', async (t) => {
      const clusterIp = new MemoryClusterIp(t, { ready: 3, multiplexes });
      await clusterIp.run(RATE, 10);
      clusterIp.ready = clusterIp.service.pods;
      await clusterIp.run(RATE, 10);
      const seen = await clusterIp.run(RATE, 10);
      assert.ok(seen.jain >= 0.98, seen.requests.join());
      const later = await clusterIp.run(RATE, 60);
      assert.ok(later.jain >= 0.999, later.requests.join());
      assert.ok(later.dials <= 2, `${later.dials}`);
      assert.equal(seen.failures + later.failures + later.waits, 0);
    });

    test('half of the pods name themselves, half don’t: each half has its share, until all do', async (t) => {
      const naming: Naming = (...about) => (about[0] < HALF ? identified(...about) : {});
      const clusterIp = new MemoryClusterIp(t, { naming, multiplexes });
      await clusterIp.run(RATE, 10);
      const seen = await clusterIp.run(RATE, 60);
      const share = seen.requests.slice(0, HALF).reduce((sum, count) => sum + count) / (RATE * 60);
      assert.ok(share > 0.375 && share < 0.625, `${share}`);
      assert.ok(
        seen.requests.every((count) => count > (RATE * 60) / 30),
        seen.requests.join(),
      );
      assert.equal(seen.failures + seen.waits, 0);
      clusterIp.naming = identified;
      for (const pod of clusterIp.service.pods.slice(HALF)) pod.goAway();
      await clusterIp.run(RATE, 10);
      const later = await clusterIp.run(RATE, 10);
      assert.ok(later.jain >= 0.98, later.requests.join());
    });
  });
}

test('a pod that is behind the address no more is left within two minutes', async (t) => {
  const clusterIp = new MemoryClusterIp(t, { pods: 4 });
  await clusterIp.run(RATE, 10);
  // It still answers on the connections that it has.
  clusterIp.ready = clusterIp.ready.slice(1);
  await clusterIp.run(RATE, 120);
  const [left] = (await clusterIp.run(RATE, 10)).requests;
  assert.equal(left, 0);
});
