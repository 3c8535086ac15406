import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { presentMoment } from '../../src/admin/view.ts';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { instrument } from '../../src/telemetry/opentelemetry.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startMeter } from '../support/meter.ts';
import { startPods } from '../support/pods.ts';
import { startVirtualIp } from '../support/virtual-ip.ts';

const REQUESTS = 200;

/** Four pods behind a virtual IP, of which some name themselves, and an agent that has found out which do. */
async function startMixture(t: TestContext, named: number, options: BalancedAgentOptions = {}) {
  const pods = await startPods(t, 4);
  for (const [n, pod] of pods.entries()) {
    pod.respond = (_request, response) => {
      if (n < named) response.setHeader('evenkeel-pod', `pod-${n}`);
      response.end();
    };
  }
  const resolver = new ManualResolver();
  const virtual = await startVirtualIp(t, pods);
  resolver.set([virtual], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, spread: 16, ...options });
  const ask = async () => {
    for (let sent = 0; sent < REQUESTS; sent += 4) {
      await Promise.all(Array.from({ length: 4 }, () => get(agent)));
    }
  };
  // What was asked before there were two names is counted with those that have none.
  await ask();
  return { agent, pods, ask, virtual: virtual.endpoint };
}

function difference<K>(after: ReadonlyMap<K, number>, before: ReadonlyMap<K, number>): Map<K, number> {
  return new Map(Array.from(after, ([key, count]) => [key, count - (before.get(key) ?? 0)]));
}

test('of pods that name themselves and pods that don’t, each named one has a row, and all others have one together', async (t) => {
  const { agent, pods, ask, virtual } = await startMixture(t, 2);
  const inRows = () =>
    new Map(agent.stats[ORIGIN]!.endpoints.map(({ identity, requests }) => [identity, requests]));
  const served = () => new Map(pods.map(({ requests }, n) => [n, requests]));
  const before = [inRows(), served()] as const;
  await ask();
  const rows = difference(inRows(), before[0]);
  const counts = difference(served(), before[1]);
  assert.deepEqual(new Set(rows.keys()), new Set(['pod-0', 'pod-1', undefined]));
  assert.deepEqual([rows.get('pod-0'), rows.get('pod-1')], [counts.get(0), counts.get(1)]);
  assert.ok(rows.get(undefined)! > 0);
  assert.equal(rows.get(undefined), counts.get(2)! + counts.get(3)!);
  const row = agent.stats[ORIGIN]!.endpoints.find(({ identity }) => identity === undefined)!;
  assert.equal(row.address, `${virtual.address}:${virtual.port}`);
  assert.equal(row.state, 'ready');
  assert.ok(row.connections > 0);
  assert.ok(row.p50! > 0);
  const shown = presentMoment().services[ORIGIN]!.endpoints.map(({ identity, says }) => [identity, says]);
  assert.deepEqual(
    new Map(shown as [string | undefined, string][]).get(undefined),
    'ready; all pods that have no name',
  );
});

test('where all pods name themselves, all rows are of pods', async (t) => {
  const { agent } = await startMixture(t, 4);
  const names = agent.stats[ORIGIN]!.endpoints.map(({ identity }) => identity);
  assert.deepEqual(names.sort(), ['pod-0', 'pod-1', 'pod-2', 'pod-3']);
});

test('pods beyond those that may be held are counted in the row of those without a name', async (t) => {
  const { agent, pods } = await startMixture(t, 4, { maxSpread: 2 });
  const { endpoints } = agent.stats[ORIGIN]!;
  assert.equal(endpoints.length, 3);
  assert.equal(
    endpoints.reduce((sum, { requests }) => sum + requests, 0),
    pods.reduce((sum, { requests }) => sum + requests, 0),
  );
});

test('metrics by endpoint tell those without a name by the address alone', async (t) => {
  const meter = startMeter(t);
  t.after(instrument({ byEndpoint: true, meterProvider: meter.meterProvider }));
  const { virtual } = await startMixture(t, 2);
  const collected = await meter.collect();
  for (const name of ['evenkeel.requests', 'evenkeel.endpoints', 'http.client.open_connections']) {
    const nameless = collected
      .points(name)
      .filter(([attributes, value]) => attributes['evenkeel.endpoint.identity'] === undefined && value !== 0);
    assert.ok(nameless.length > 0, name);
    for (const [attributes] of nameless) {
      assert.equal(attributes['network.peer.address'], virtual.address, name);
      if (name === 'evenkeel.endpoints') assert.equal(attributes['evenkeel.endpoint.kind'], 'virtual');
    }
  }
});
