import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { instrument as instrumentOpenTelemetry } from '../../src/telemetry/opentelemetry.ts';
import { instrument } from '../../src/telemetry/prometheus.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { Meter } from '../support/meter.ts';
import { startPods } from '../support/pods.ts';

const COUNT = /^http_client_request_duration_seconds_count\{(.*)\} (\d+)$/gm;

/** The series of requests in a scrape: how many, and the attributes that tell them apart. */
function countsIn(text: string): string[] {
  return Array.from(text.matchAll(COUNT), ([, labels, count]) => {
    const own = labels!.split(',').filter((label) => /^(http|error|network_peer_address)/.test(label));
    return `${count} ${own
      .join(' ')
      .replaceAll('"', '')
      .replaceAll(/http_(request|response)_/g, '')}`;
  });
}

async function fourRequests(t: TestContext, registry: Registry, byEndpoint = false) {
  t.after(instrument({ registry, byEndpoint }));
  const pods = await startPods(t, 1);
  pods[0]!.respond = ({ url, socket }, response) => {
    if (url === '/broken') socket.destroy();
    else response.writeHead(url === '/missing' ? 404 : 200).end();
  };
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await get(agent);
  await get(agent);
  await agent.request({ origin: ORIGIN, path: '/missing', method: 'GET' }).then(({ body }) => body.dump());
  await assert.rejects(agent.request({ origin: ORIGIN, path: '/broken', method: 'POST', body: 'x' }));
  return { agent, pods, resolver };
}

test('each request is counted by how long it took, with its method, its status, and the kind of its failure', async (t) => {
  const registry = new Registry();
  await fourRequests(t, registry);
  const text = await registry.metrics();
  assert.deepEqual(countsIn(text), [
    '2 method=GET status_code=200',
    '1 method=GET status_code=404 error_type=404',
    '1 method=POST error_type=failure',
  ]);
  assert.match(text, /^# TYPE http_client_request_duration_seconds histogram$/m);
  assert.match(text, /_seconds_bucket\{.*le="10".*\} 2$/m);
});

test('pods are told apart if asked for, and go when they do', async (t) => {
  const registry = new Registry();
  const { agent, pods, resolver } = await fourRequests(t, registry, true);
  const at = pods[0]!.address;
  assert.deepEqual(
    countsIn(await registry.metrics()).at(0),
    `2 method=GET status_code=200 network_peer_address=${at}`,
  );
  const [other] = await startPods(t, 1);
  resolver.set([other!]);
  while ((await get(agent)) !== other!.address);
  while ((await registry.metrics()).includes(at));
  assert.deepEqual(countsIn(await registry.metrics()).length, 1);
});

test('a method that nobody knows is one of the others: there might be any number', async (t) => {
  const registry = new Registry();
  t.after(instrument({ registry }));
  const agent = startAgent(t, await startPods(t, 1));
  for (const method of ['PURGE', 'LINK']) {
    await agent.request({ origin: ORIGIN, path: '/', method: method as 'GET' }).then(
      ({ body }) => body.dump(),
      () => {},
    );
  }
  assert.deepEqual(
    countsIn(await registry.metrics()).filter((line) => !line.includes('_OTHER')),
    [],
  );
});

test('OpenTelemetry has the same histogram, with the buckets that the convention advises', async (t) => {
  const meter = new Meter();
  t.after(instrumentOpenTelemetry({ meterProvider: meter.meterProvider, requestDuration: true }));
  await get(startAgent(t, await startPods(t, 1)));
  const [[attributes, value] = []] = (await meter.collect()).points('http.client.request.duration');
  assert.equal((value as { count: number }).count, 1);
  assert.equal(attributes?.['http.request.method'], 'GET');
});
