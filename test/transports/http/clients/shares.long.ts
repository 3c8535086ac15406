// Each client's requests spread over the pods as evenly as undici's do.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { startDnsServer } from '../../../support/dns-server.ts';
import type { Pod } from '../../../support/pods.ts';
import { ADAPTERS } from './adapters.ts';
import { startClientPods } from './pod.ts';
import type { Setting } from './shares-process.ts';

const PROCESS = new URL('shares-process.ts', import.meta.url);
const PODS = 10;
/** What each pod gets is off by no more than the requests that are under way at once. */
const FAIR = 0.99;
const CLIENTS = Object.keys(ADAPTERS).filter((name) => name !== 'ws');

for (const way of ['by hand', 'preloaded'] as const) {
  test(`${way}, 3,000 requests of each client spread over 10 pods`, async (t) => {
    const pods = await startClientPods(t, PODS);
    const shares = await sharesOf(t, pods, way);
    assert.deepEqual(Object.keys(shares), CLIENTS);
    for (const [client, counts] of Object.entries(shares))
      assert.ok(jain(counts) >= FAIR, `${client}: ${counts} (${jain(counts)})`);
  });
}

/** How many requests each pod had, client by client. */
async function sharesOf(
  t: TestContext,
  pods: readonly Pod[],
  way: Setting['way'],
): Promise<Record<string, number[]>> {
  const dns = await startDnsServer(t);
  dns.set(
    'orders.prod',
    pods.map(({ address }) => address),
  );
  const setting: Setting = {
    way,
    origin: `http://orders.prod:${pods[0]!.port}`,
    clients: CLIENTS,
    requests: 3_000,
    concurrency: 20,
  };
  const child = fork(PROCESS, [JSON.stringify(setting)], {
    env: { ...process.env, EVENKEEL_DNS_SERVERS: dns.address, NODE_NO_WARNINGS: '1' },
  });
  t.after(() => child.kill());
  const shares: Record<string, number[]> = {};
  child.on('message', (client: string) => {
    if (client !== '') shares[client] = pods.map(({ requests }) => requests);
    for (const pod of pods) pod.paths.length = 0;
    child.send('next');
  });
  await once(child, 'exit');
  return shares;
}

/** 1 when all are equal, 1/n when one has all. */
function jain(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return total ** 2 / (counts.length * counts.reduce((a, b) => a + b ** 2, 0));
}
