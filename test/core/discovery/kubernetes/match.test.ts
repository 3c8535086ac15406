import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clusterDomainOf,
  explicitService,
  fullName,
  possibleService,
  serviceOf,
} from '../../../../src/core/discovery/kubernetes/match.ts';

const orders = { namespace: 'prod', name: 'orders' };

test('a full name in the cluster domain is a Service', () => {
  assert.deepEqual(serviceOf('orders.prod.svc.cluster.local', 'cluster.local'), orders);
  assert.deepEqual(serviceOf('Orders.Prod.svc.Cluster.Local.', 'cluster.local.'), orders);
  assert.deepEqual(serviceOf('orders.prod.svc.k8s.example.com', 'k8s.example.com'), orders);
});

test('names of pods, of ports, of other domains and of the domain itself are no Services', () => {
  for (const name of [
    'orders-0.orders.prod.svc.cluster.local',
    '_http._tcp.orders.prod.svc.cluster.local',
    '10-0-0-1.prod.pod.cluster.local',
    'prod.svc.cluster.local',
    'svc.cluster.local',
    'orders.prod.svc',
    'github.com',
    'orders.prod.svc.example.com',
    'or_ders.prod.svc.cluster.local',
    '..svc.cluster.local',
    '%2e%2e.prod.svc.cluster.local',
  ]) {
    assert.equal(serviceOf(name, 'cluster.local'), undefined, name);
  }
});

test('a name that ends in svc can only be a Service', () => {
  assert.deepEqual(explicitService('orders.prod.svc', 'cluster.local'), orders);
  assert.deepEqual(explicitService('orders.prod.svc.cluster.local', 'cluster.local'), orders);
  assert.equal(explicitService('orders.prod', 'cluster.local'), undefined);
  assert.equal(explicitService('a.orders.prod.svc', 'cluster.local'), undefined);
});

test('a short name may be a Service, of the own namespace or of the one it names', () => {
  assert.deepEqual(possibleService('orders', 'prod'), orders);
  assert.deepEqual(possibleService('orders.prod', 'elsewhere'), orders);
  assert.equal(possibleService('localhost', 'prod'), undefined);
  assert.equal(possibleService('api.github.com', 'prod'), undefined);
});

test("the cluster domain is what a pod's search list ends in", () => {
  const search = ['prod.svc.k8s.internal', 'svc.k8s.internal', 'k8s.internal', 'corp.example.com'];
  assert.equal(clusterDomainOf(search), 'k8s.internal');
  assert.equal(clusterDomainOf(['corp.example.com']), undefined);
});

test('outside a cluster, a domain named svc makes no cluster of the company', () => {
  for (const search of [
    ['svc.example.com', 'example.com'],
    ['example.com', 'svc.example.com'],
    ['a.b.svc.example.com', 'svc.example.com', 'example.com'],
    ['svc.example.com', 'prod.svc.example.com', 'example.com'],
  ]) {
    assert.equal(clusterDomainOf(search), undefined, search.join(' '));
  }
});

test('a Service has one full name', () => {
  assert.equal(fullName(orders, 'cluster.local.'), 'orders.prod.svc.cluster.local');
});
