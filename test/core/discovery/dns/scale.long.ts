import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { get, startAgent } from '../../../support/agent.ts';
import { type DnsServer, startDnsServer } from '../../../support/dns-server.ts';
import { type Pod, startPods } from '../../../support/pods.ts';

const NAME = 'orders.test';
const TTL = 1;

interface Scene {
  dns: DnsServer;
  pods: Pod[];
  agent: BalancedAgent;
  origin: string;
  answer(pods: readonly Pod[]): void;
}

async function startScene(t: TestContext, count: number, atFirst: number): Promise<Scene> {
  const dns = await startDnsServer(t);
  const pods = await startPods(t, count);
  const answer = (some: readonly Pod[]) =>
    dns.set(
      NAME,
      some.map(({ address }) => address),
      { ttl: TTL },
    );
  answer(pods.slice(0, atFirst));
  const agent = startAgent(t, [], { discovery: 'dns', dns: { servers: [dns.address] } });
  return { dns, pods, agent, origin: `http://${NAME}:${pods[0]!.port}`, answer };
}

/** Sends requests, ten at once, until told to stop. Fails with the first that fails. */
function keepAsking({ agent, origin }: Scene): { stop(): Promise<void> } {
  let stopped = false;
  const worker = async () => {
    while (!stopped) {
      await get(agent, '/', origin);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const workers = Promise.all(Array.from({ length: 10 }, worker));
  return {
    async stop() {
      stopped = true;
      await workers;
    },
  };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a headless Service under load', { concurrency: 3 }, () => {
  test('3 addresses that grow to 6 under load serve evenly within the TTL and a second', async (t) => {
    const scene = await startScene(t, 6, 3);
    const load = keepAsking(scene);
    await pause(500);
    scene.answer(scene.pods);
    await pause(TTL * 1_000 + 1_000);
    const before = scene.pods.map(({ requests }) => requests);
    await pause(1_000);
    const during = scene.pods.map(({ requests }, index) => requests - before[index]!);
    await load.stop();
    const fair = during.reduce((sum, count) => sum + count, 0) / 6;
    for (const count of during) assert.ok(Math.abs(count - fair) < fair * 0.1, String(during));
  });

  test('6 addresses that shrink to 3 under load: no request fails, and removed ones get none', async (t) => {
    const scene = await startScene(t, 6, 6);
    const { agent, origin, pods, dns } = scene;
    const load = keepAsking(scene);
    await pause(300);
    const slow = Array.from({ length: 12 }, () => agent.request({ origin, path: '/slow', method: 'GET' }));
    await Promise.all(pods.map((pod) => pod.received('/slow')));
    scene.answer(pods.slice(0, 3));
    while (agent.stats[origin]!.endpoints.length > 3) await pause(10);
    // What was sent just before has arrived.
    await pause(50);
    const removed = pods.slice(3);
    const before = removed.map(({ requests }) => requests);
    await pause(700);
    await load.stop();
    assert.deepEqual(
      removed.map(({ requests }) => requests),
      before,
    );
    for (const pod of pods) pod.release('/slow');
    for (const { statusCode, body } of await Promise.all(slow)) {
      assert.equal(statusCode, 200);
      await body.dump();
    }
    assert.ok(dns.count(NAME) >= 2);
  });

  test('a DNS server that fails under load is not noticed', async (t) => {
    const scene = await startScene(t, 3, 3);
    await get(scene.agent, '/', scene.origin);
    const load = keepAsking(scene);
    await pause(300);
    scene.dns.misbehave(NAME, { rcode: 'SERVFAIL' });
    while (scene.agent.stats[scene.origin]!.discovery.error === null) await pause(10);
    await pause(300);
    await load.stop();
  });

  test('a name that goes is served by live connections, and nothing is dialled', async (t) => {
    const scene = await startScene(t, 2, 2);
    const { agent, origin, pods, dns } = scene;
    const load = keepAsking(scene);
    await pause(300);
    dns.remove(NAME);
    const asked = dns.count(NAME);
    // By the third question the answer to the first is known; what was dialled before is connected a moment later.
    while (dns.count(NAME) < asked + 3) await pause(10);
    await pause(50);
    const opened = pods.map(({ connections }) => connections.length);
    await pause(300);
    await load.stop();
    assert.deepEqual(
      pods.map(({ connections }) => connections.length),
      opened,
    );
    assert.equal(agent.stats[origin]!.endpoints.length, 2);
  });

  test('requests after a while of silence wait for a fresh answer rather than dial an old address', async (t) => {
    const [old, current] = (await startPods(t, 2)) as [Pod, Pod];
    const dns = await startDnsServer(t);
    dns.set(NAME, [old.address], { ttl: TTL });
    const origin = `http://${NAME}:${old.port}`;
    let ahead = 0;
    const clock = {
      now: () => performance.now() + ahead,
      schedule: (callback: () => void, delay: number, ref?: boolean) => {
        const timer = setTimeout(callback, delay);
        if (!ref) timer.unref();
        return { cancel: () => clearTimeout(timer) };
      },
    };
    const agent = startAgent(t, [], {
      discovery: 'dns',
      dns: { servers: [dns.address] },
      keepAliveTimeout: 50,
      clock,
    });
    old.server.keepAliveTimeout = 0;
    await get(agent, '/', origin);
    dns.set(NAME, [current.address], { ttl: TTL });
    await old.allClosed();
    await pause(4_500);
    ahead = 10 * 60_000;
    assert.equal(await get(agent, '/', origin), current.address);
    assert.equal(old.connections.length, 1);
  });
});
