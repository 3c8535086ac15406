import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Families } from '../../../../src/core/discovery/dns/families.ts';
import { type Caller, type Route, route } from '../../../../src/core/discovery/kubernetes/route.ts';
import { keyOf } from '../../../../src/core/discovery/kubernetes/selection.ts';
import { parseService, type ServiceObject } from '../../../../src/core/discovery/kubernetes/service-spec.ts';
import { parseSlice, type Slice, type SliceObject } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { podAt, serviceNamed, sliceOf } from '../../../support/api-objects.ts';

interface Facts {
  spec?: ServiceObject['spec'];
  annotations?: Record<string, string>;
  slices?: SliceObject[];
  caller?: Partial<Caller>;
}

const one = sliceOf('orders', 'a', [
  podAt('10.0.0.1', { nodeName: 'n1' }),
  podAt('10.0.0.2', { nodeName: 'n2' }),
]);

function routed({ spec = {}, annotations = {}, slices = [one], caller = {} }: Facts): Route {
  return route(
    {
      spec: parseService(serviceNamed('orders', spec, annotations)),
      slices: slices.map((slice) => parseSlice(slice) as Slice),
      overlap: false,
    },
    {
      port: 80,
      own: { zone: undefined, nodeName: undefined },
      families: new Families('auto', {}),
      ...caller,
    },
  );
}

function podsOf(to: Route): string {
  return to.way === 'pods' ? to.pods.map(keyOf).join(' ') : to.way;
}

test('a port of the Service leads to the ports of its name in the slices, which may differ', () => {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'admin', port: 9000 },
  ];
  const slices = [
    sliceOf('orders', 'a', [podAt('10.0.0.1')], { ports: { http: 8080, admin: 9000 } }),
    sliceOf('orders', 'b', [podAt('10.0.0.2')], { ports: { http: 8081 } }),
  ];
  assert.equal(podsOf(routed({ spec: { ports }, slices })), '10.0.0.1:8080 10.0.0.2:8081');
  assert.equal(podsOf(routed({ spec: { ports }, slices, caller: { port: 9000 } })), '10.0.0.1:9000');
});

test('a port that the Service lacks leads to the ClusterIP', () => {
  const to = routed({ caller: { port: 8080 } });
  assert.deepEqual(to, { way: 'cluster-ip', clusterIP: '10.96.0.10', reason: 'port-unknown' });
});

test('the URL of a headless Service has the port of its pods, declared or not', () => {
  const spec = { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] };
  assert.equal(podsOf(routed({ spec, caller: { port: 8080 } })), '10.0.0.1:8080 10.0.0.2:8080');
  assert.equal(podsOf(routed({ spec, caller: { port: 7070 } })), '10.0.0.1:7070 10.0.0.2:7070');
  const bare = sliceOf('orders', 'a', [podAt('10.0.0.1')], { ports: {} });
  assert.equal(podsOf(routed({ spec: { clusterIP: 'None', ports: [] }, slices: [bare] })), '10.0.0.1:80');
});

test('a Service that is local leads to pods of the own node', () => {
  const spec = { internalTrafficPolicy: 'Local' };
  const own = { zone: 'z1', nodeName: 'n2' };
  assert.equal(podsOf(routed({ spec, caller: { own } })), '10.0.0.2:8080');
  assert.equal(podsOf(routed({ spec, caller: { own: { zone: 'z1', nodeName: 'n3' } } })), '');
});

test('a Service that is local leads to the ClusterIP when the own node is not known', () => {
  const to = routed({ spec: { internalTrafficPolicy: 'Local' } });
  assert.deepEqual(to, { way: 'cluster-ip', clusterIP: '10.96.0.10', reason: 'node-unknown' });
});

test('a global Service leads to the ClusterIP, unless its slices show the pods of other clusters', () => {
  const annotations = { 'service.cilium.io/global': 'true' };
  const to = routed({ annotations });
  assert.deepEqual(to, { way: 'cluster-ip', clusterIP: '10.96.0.10', reason: 'global' });

  const managedBy = 'endpointslice-mesh-controller.cilium.io';
  const remote = sliceOf('orders', 'b', [podAt('10.1.0.1')], { managedBy });
  assert.equal(
    podsOf(routed({ annotations, slices: [one, remote] })),
    '10.0.0.1:8080 10.0.0.2:8080 10.1.0.1:8080',
  );
});

test('a Service without pods leads nowhere, and one without an address is not known', () => {
  assert.equal(podsOf(routed({ slices: [] })), '');
  assert.deepEqual(routed({ spec: { clusterIP: '' } }), { way: 'none' });
});

test('an alias leads to its name', () => {
  const spec = { type: 'ExternalName', externalName: 'db.example.com' };
  assert.deepEqual(routed({ spec }), { way: 'alias', hostname: 'db.example.com' });
});

const six = sliceOf('orders', 'six', [podAt('fd00::1', { nodeName: 'n1' })], { addressType: 'IPv6' });
const dual = { clusterIPs: ['10.96.0.10', 'fd00:96::10'] };

function host(...addresses: string[]): NodeJS.Dict<[]> {
  const infos = addresses.map((address) => ({ address, internal: false }));
  return { eth0: infos } as unknown as NodeJS.Dict<[]>;
}

test('of a dual-stack Service, pods of one family are used: IPv4 first', () => {
  const families = new Families('auto', host('10.9.9.9', 'fd00::9'));
  assert.equal(
    podsOf(routed({ spec: dual, slices: [one, six], caller: { families } })),
    '10.0.0.1:8080 10.0.0.2:8080',
  );
});

test('a host without IPv4 uses IPv6, and so does one told to', () => {
  for (const families of [
    new Families('auto', host('fd00::9')),
    new Families(6, host('10.9.9.9', 'fd00::9')),
  ]) {
    const to = routed({ spec: dual, slices: [one, six], caller: { families } });
    assert.equal(podsOf(to), 'fd00::1:8080');
    assert.equal(to.way === 'pods' && to.clusterIP, 'fd00:96::10');
  }
});

test('the family that has pods serve is used', () => {
  const families = new Families('auto', host('10.9.9.9', 'fd00::9'));
  const unready = sliceOf('orders', 'a', [podAt('10.0.0.1', { ready: false })]);
  assert.equal(podsOf(routed({ spec: dual, slices: [unready, six], caller: { families } })), 'fd00::1:8080');
});
