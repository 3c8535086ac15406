import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { install, stats, uninstall } from '../../../src/index.ts';
import { instrument } from '../../../src/telemetry/prometheus.ts';
import { EchoClient, ORIGIN, startBalanced } from '../../support/grpc-client.ts';
import { GRPC_JS, startGrpcPods } from '../../support/grpc-pod.ts';
import { ManualResolver } from '../../support/manual-resolver.ts';

test('stats() of the process has gRPC targets, with how long the calls of each pod take', async (t) => {
  const pods = await startGrpcPods(t, 2, { delay: 5 });
  const { client, balancing } = startBalanced(t, pods);
  await client.calls(10, 2);
  const found = stats()[ORIGIN]!;
  assert.deepEqual(
    [found.connected, found.running, found.endpoints.map(({ requests }) => requests)],
    [2, 0, [5, 5]],
  );
  assert.ok(found.endpoints.every(({ p50 }) => p50! >= 4));
  balancing.uninstall();
  assert.equal(stats()[ORIGIN], undefined);
});

test('metrics and channels speak of gRPC targets as of others', async (t) => {
  const pods = await startGrpcPods(t, 2);
  const registry = new Registry();
  const stop = instrument({ registry, byEndpoint: true });
  t.after(stop);
  const opened: unknown[] = [];
  const onOpened = (message: unknown) => opened.push(message);
  subscribe('evenkeel:connection:open', onOpened);
  t.after(() => unsubscribe('evenkeel:connection:open', onOpened));
  const { client } = startBalanced(t, pods);
  await client.calls(6);
  const text = await registry.metrics();
  for (const { address, port } of pods) {
    const labels = `network_peer_address="${address}",network_peer_port="${port}"`;
    assert.match(text, new RegExp(`evenkeel_requests_total\\{.*orders\\.prod\\.svc.*${labels}\\} 3`), text);
  }
  assert.match(text, /http_client_open_connections\{.*orders\.prod\.svc.*\} 1/);
  assert.deepEqual(
    opened.map((message) => (message as { origin: string }).origin),
    [ORIGIN, ORIGIN],
  );
});

test('install() balances the grpc-js that is loaded already, and uninstall() lets go of it', {
  skip: GRPC_JS !== '@grpc/grpc-js',
}, async (t) => {
  const pods = await startGrpcPods(t, 2);
  const { resolve } = new ManualResolver(pods);
  install({ discovery: resolve, hosts: ['orders.test'] });
  t.after(() => uninstall());
  const client = new EchoClient('orders.test:50051');
  t.after(() => client.close());
  const answers = await client.calls(6);
  assert.deepEqual([...answers.values()], [3, 3]);
  await uninstall();
  const after = new EchoClient('orders.test:50051');
  t.after(() => after.close());
  await assert.rejects(after.call(), /Name resolution failed/);
  install({ discovery: resolve, hosts: ['orders.test'], grpc: false });
  const left = new EchoClient('orders.test:50051');
  t.after(() => left.close());
  await assert.rejects(left.call(), /Name resolution failed/);
});
