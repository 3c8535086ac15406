// An API server with a Service of many endpoints, in a process of its own; changes come at a rate it is told.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { SliceObject } from '../../src/core/discovery/kubernetes/slice.ts';
import { serviceNamed } from '../../test/support/api-objects.ts';
import { ApiServer } from '../../test/support/api-server.ts';

export interface ApiFacts {
  readonly host: string;
  readonly port: number;
  readonly serviceAccount: string;
}

/** An API server that runs elsewhere, with a Service `prod/orders`. */
export interface ApiProcess extends ApiFacts {
  /** Has one endpoint turn ready or unready so often, each second. */
  change(perSecond: number): void;
  stop(): void;
}

export async function startApiProcess(slices: number, endpoints: number): Promise<ApiProcess> {
  const child = fork(import.meta.filename, [String(slices), String(endpoints)], { stdio: 'inherit' });
  const [facts] = (await once(child, 'message')) as [ApiFacts];
  return {
    ...facts,
    change: (perSecond) => child.send(perSecond),
    stop: () => child.kill(),
  };
}

/** As the controller writes it, with all that is not read here. */
function slice(index: number, endpoints: number, unready: number): SliceObject {
  const name = `orders-${index.toString(36).padStart(5, 'x')}`;
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      generateName: 'orders-',
      namespace: 'prod',
      uid: uid(index, 9_999),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': 'orders',
      },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name: 'orders', uid: uid(0, 0), controller: true },
      ],
      managedFields: [
        {
          manager: 'kube-controller-manager',
          operation: 'Update',
          apiVersion: 'discovery.k8s.io/v1',
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: {
            'f:addressType': {},
            'f:endpoints': {},
            'f:metadata': { 'f:labels': {} },
            'f:ports': {},
          },
        },
      ],
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, i) => ({
      addresses: [`10.${index >> 1}.${((index & 1) << 7) + (i >> 6)}.${1 + (i & 63)}`],
      conditions: { ready: i !== unready, serving: i !== unready, terminating: false },
      nodeName: `ip-10-0-${index}-${i}.eu-central-1.compute.internal`,
      targetRef: {
        kind: 'Pod',
        namespace: 'prod',
        name: `orders-7d9c8b6f5-${index}-${i}`,
        uid: uid(index, i),
      },
      zone: `eu-central-1${'abc'[i % 3]}`,
    })),
  };
  return object as SliceObject;
}

function uid(index: number, i: number): string {
  return `3f2a9c1e-0000-4000-8000-${(index * 10_000 + i).toString(16).padStart(12, '0')}`;
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const [slices = 1, endpoints = 1] = process.argv.slice(2).map(Number);
  const api = new ApiServer();
  await api.start();
  api.store.putService('prod', serviceNamed('orders'));
  for (let index = 0; index < slices; index++) api.store.putSlice('prod', slice(index, endpoints, -1));
  let due = Number.POSITIVE_INFINITY;
  let interval = 0;
  let count = 0;
  process.on('message', (perSecond: number) => {
    interval = perSecond > 0 ? 1_000 / perSecond : 0;
    due = perSecond > 0 ? performance.now() : Number.POSITIVE_INFINITY;
  });
  process.on('disconnect', () => process.exit());
  setInterval(() => {
    for (; due <= performance.now(); due += interval) {
      api.store.putSlice('prod', slice(count % slices, endpoints, count++ % endpoints));
    }
  }, 5);
  process.send({ host: api.host, port: api.port, serviceAccount: api.serviceAccount } satisfies ApiFacts);
}
