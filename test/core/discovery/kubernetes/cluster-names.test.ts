import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ClusterNames } from '../../../../src/core/discovery/kubernetes/cluster-names.ts';
import { placeIn } from './setup.ts';

const ORDERS = { namespace: 'prod', name: 'orders' };

test('the domain of the cluster is the one in resolv.conf, as it is now', (t) => {
  const place = placeIn(t);
  writeFileSync(place.resolvConf, 'search prod.svc.k8s.internal svc.k8s.internal k8s.internal\n');
  const names = new ClusterNames(undefined, place);
  assert.deepEqual(names.serviceOf('orders.prod.svc.k8s.internal'), ORDERS);
  assert.equal(names.serviceOf('orders.prod.svc.cluster.local'), undefined);
  writeFileSync(
    place.resolvConf,
    'search prod.svc.cluster.local svc.cluster.local cluster.local corp.example\n',
  );
  assert.deepEqual(names.serviceOf('orders.prod.svc.cluster.local'), ORDERS);
});

test('one that is set comes before that, and outside of clusters there is a usual one', (t) => {
  const place = placeIn(t);
  assert.equal(new ClusterNames('k8s.internal', place).fullName(ORDERS), 'orders.prod.svc.k8s.internal');
  writeFileSync(place.resolvConf, 'nameserver 127.0.0.53\n');
  const names = new ClusterNames(undefined, place);
  assert.equal(names.fullName(ORDERS), 'orders.prod.svc.cluster.local');
  assert.deepEqual(names.explicit('orders.prod.svc'), ORDERS);
});
