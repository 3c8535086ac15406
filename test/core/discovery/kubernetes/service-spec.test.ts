import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseService, type ServiceSpec } from '../../../../src/core/discovery/kubernetes/service-spec.ts';
import { serviceNamed } from '../../../support/api-objects.ts';

type ClusterIP = Extract<ServiceSpec, { kind: 'cluster-ip' }>;

test('a Service with a ClusterIP has TCP ports, by number, and a policy', () => {
  const ports = [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'admin', port: 9000 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ];
  assert.deepEqual(parseService(serviceNamed('orders', { ports })), {
    kind: 'cluster-ip',
    clusterIPs: ['10.96.0.10'],
    ports: new Map([
      [80, 'http'],
      [9000, 'admin'],
    ]),
    local: false,
    affinity: undefined,
    global: false,
  });
});

test('the only port need not have a name', () => {
  const spec = parseService(serviceNamed('orders')) as ClusterIP;
  assert.deepEqual(spec.ports, new Map([[80, '']]));
});

test('a dual-stack Service has an address of each family', () => {
  const clusterIPs = ['10.96.0.10', 'fd00::10'];
  const spec = parseService(serviceNamed('orders', { clusterIPs })) as ClusterIP;
  assert.deepEqual(spec.clusterIPs, clusterIPs);
});

test('no ClusterIP, an alias and an address that is yet to come are told apart', () => {
  assert.deepEqual(parseService(serviceNamed('orders', { clusterIP: 'None' })), { kind: 'headless' });
  const externalName = 'db.example.com';
  assert.deepEqual(parseService(serviceNamed('db', { type: 'ExternalName', externalName })), {
    kind: 'alias',
    hostname: externalName,
  });
  const absolute = serviceNamed('db', { type: 'ExternalName', externalName: `${externalName}.` });
  assert.deepEqual(parseService(absolute), { kind: 'alias', hostname: externalName });
  assert.deepEqual((parseService(serviceNamed('orders', { clusterIP: '' })) as ClusterIP).clusterIPs, []);
});

test('client affinity lasts three hours, or what the Service says', () => {
  const affinity = (config?: { clientIP: { timeoutSeconds: number } }) =>
    (
      parseService(
        serviceNamed('orders', {
          sessionAffinity: 'ClientIP',
          ...(config && { sessionAffinityConfig: config }),
        }),
      ) as ClusterIP
    ).affinity;
  assert.equal(affinity(), 10_800_000);
  assert.equal(affinity({ clientIP: { timeoutSeconds: 60 } }), 60_000);
});

test('an internal traffic policy may be local', () => {
  const spec = parseService(serviceNamed('orders', { internalTrafficPolicy: 'Local' })) as ClusterIP;
  assert.equal(spec.local, true);
});

test('a global Service is known by its annotation, the old one or the new', () => {
  for (const annotation of ['service.cilium.io/global', 'io.cilium/global-service']) {
    const global = (value: string) =>
      (parseService(serviceNamed('orders', {}, { [annotation]: value })) as ClusterIP).global;
    assert.equal(global('true'), true);
    assert.equal(global('false'), false);
  }
});
