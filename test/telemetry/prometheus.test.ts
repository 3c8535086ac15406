import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { type TestContext, test } from 'node:test';
import { Gauge, type OpenMetricsContentType, Registry, register } from 'prom-client';
import { instrument } from '../../src/telemetry/prometheus.ts';
import { get, load, startAgent } from '../support/agent.ts';
import { published } from '../support/channel.ts';
import { startPod, startPods } from '../support/pods.ts';
import { liveOnce } from './one-life.ts';

const SERVER = 'server_address="orders.prod",server_port="80",url_scheme="http"';

/** Starts a registry that has the metrics of all agents. */
function startRegistry(t: TestContext, options: { byEndpoint?: boolean } = {}): Registry {
  const registry = new Registry();
  t.after(instrument({ registry, ...options }));
  return registry;
}

/** The lines of a metric in what is scraped. */
async function scrape(registry: Registry, name: string): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

test('metrics have the names that Prometheus’ conventions, and OpenTelemetry’s specification, give them', async (t) => {
  const registry = startRegistry(t);
  const types = (await registry.getMetricsAsJSON()).map(({ name, type }) => `${name} ${type}`);
  assert.deepEqual(types, [
    'http_client_connection_duration_seconds histogram',
    'http_client_request_duration_seconds histogram',
    'http_client_open_connections gauge',
    'http_client_active_requests gauge',
    'evenkeel_pending_requests gauge',
    'evenkeel_requests_total counter',
    'evenkeel_request_failures_total counter',
    'evenkeel_request_retries_total counter',
    'evenkeel_endpoints gauge',
    'evenkeel_endpoint_ejections_total counter',
    'evenkeel_connection_retirements_total counter',
    'evenkeel_discovery_errors_total counter',
    'evenkeel_fairness_ratio gauge',
  ]);
});

test('a scrape has the present values', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const registry = startRegistry(t);
  await load(agent, 3);
  const held = get(agent, '/slow');
  await pod.received('/slow');

  const connections = 'http_client_open_connections';
  const protocol = 'network_protocol_version="1.1"';
  assert.deepEqual((await scrape(registry, connections)).sort(), [
    `${connections}{${SERVER},http_connection_state="active",${protocol}} 1`,
    `${connections}{${SERVER},http_connection_state="idle",${protocol}} 0`,
  ]);
  const requests = [`evenkeel_requests_total{${SERVER}} 4`];
  assert.deepEqual(await scrape(registry, 'evenkeel_requests_total'), requests);
  assert.deepEqual(await scrape(registry, 'evenkeel_requests_total'), requests);
  assert.deepEqual(await scrape(registry, 'evenkeel_endpoints'), [
    `evenkeel_endpoints{${SERVER},evenkeel_endpoint_state="ready",evenkeel_endpoint_kind="pod",evenkeel_discovery_source="test"} 1`,
  ]);
  pod.release('/slow');
  await held;
});

test('pods have labels only if asked for', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  const [registry, detailed] = [startRegistry(t), startRegistry(t, { byEndpoint: true })];
  await load(agent, 10, 2);

  assert.ok(!(await registry.metrics()).includes('network_peer'));
  assert.deepEqual(
    (await scrape(detailed, 'evenkeel_requests_total')).sort(),
    pods
      .map(({ address, port, requests }) => {
        const peer = `network_peer_address="${address}",network_peer_port="${port}"`;
        return `evenkeel_requests_total{${SERVER},${peer}} ${requests}`;
      })
      .sort(),
  );
});

test('how long connections lived is observed when they close', async (t) => {
  const registry = startRegistry(t);
  await liveOnce(t);
  const name = 'http_client_connection_duration_seconds';
  const labels = `${SERVER},network_protocol_version="1.1"`;
  assert.deepEqual(await scrape(registry, `${name}_sum`), [`${name}_sum{${labels}} 60`]);
  assert.deepEqual(await scrape(registry, `${name}_count`), [`${name}_count{${labels}} 1`]);
});

test('of origins that nobody calls any more, the last hundred are remembered', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { maxOrigins: 1 });
  const registry = startRegistry(t);
  for (let origin = 0; origin < 110; origin++) {
    const evicted = origin > 0 ? published('evenkeel:connection:close') : undefined;
    await get(agent, '/', `http://orders-${origin}.prod`);
    await evicted;
  }

  for (const name of ['evenkeel_requests_total', 'http_client_connection_duration_seconds_count']) {
    const lines = await scrape(registry, name);
    const origins = lines.map((line) => Number(/orders-(\d+)/.exec(line)![1])).sort((a, b) => a - b);
    assert.deepEqual([origins[0], origins.at(-1)], [9, name.endsWith('count') ? 108 : 109], name);
  }
  assert.equal((await scrape(registry, 'evenkeel_endpoints')).length, 1);
});

test('once stopped, the registry has none of the metrics, and nothing is listened to', (t) => {
  const registry = new Registry();
  const stop = instrument({ registry });
  const own = new Gauge({ name: 'own', help: 'Of the app.', registers: [registry] });
  stop();
  stop();
  assert.deepEqual(registry.getMetricsAsArray(), [own]);
  assert.ok(!channel('evenkeel:connection:retire').hasSubscribers);
  // So that it can start again.
  t.after(instrument({ registry }));
});

test('a name that is taken leaves the registry as it was', () => {
  const registry = new Registry();
  const own = new Gauge({ name: 'evenkeel_fairness_ratio', help: 'Of the app.', registers: [registry] });
  assert.throws(() => instrument({ registry }), /evenkeel_fairness_ratio has already been registered/);
  assert.deepEqual(registry.getMetricsAsArray(), [own]);
  assert.ok(!channel('evenkeel:connection:retire').hasSubscribers);
});

test('OpenMetrics has the same names', async (t) => {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  t.after(instrument({ registry }));
  await get(startAgent(t, [await startPod(t)]));
  for (let time = 0; time < 2; time++) {
    const text = await registry.metrics();
    assert.match(text, /^# TYPE evenkeel_requests counter\nevenkeel_requests_total\{.*\} 1$/m);
  }
});

test('without a registry, the global one has the metrics', (t) => {
  const stop = instrument();
  t.after(stop);
  assert.ok(register.getSingleMetric('evenkeel_fairness_ratio') !== undefined);
});
