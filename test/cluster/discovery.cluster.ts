// Against a real cluster, the one that KUBECONFIG names: in a namespace of its own, which is deleted at the end.
// Addresses are of 192.0.2.0/24, which nobody has, and are never dialled.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  loadAllYaml,
  RbacAuthorizationV1Api,
  type V1EndpointSlice,
  type V1ServiceSpec,
} from '@kubernetes/client-node';
import { rbac } from '../../src/cli/rbac.ts';
import { systemClock } from '../../src/core/base/clock.ts';
import { environment } from '../../src/core/base/environment.ts';
import { clusterResolver } from '../../src/core/discovery/cluster.ts';
import { NotFoundError } from '../../src/core/discovery/dns/look-up-result.ts';
import { thisPlace } from '../../src/core/discovery/kubernetes/place.ts';
import type { SliceObject } from '../../src/core/discovery/kubernetes/slice.ts';
import type { Resolution, Resolver } from '../../src/core/discovery/resolver.ts';
import { inClusterTransport } from '../../src/transports/kubernetes-api/in-cluster.ts';
import { transportFor } from '../../src/transports/kubernetes-api/transport.ts';
import { NO_SETTINGS, Reader, text } from '../core/discovery/kubernetes/setup.ts';
import { leaving, podAt, type SliceFacts, sliceOf } from '../support/api-objects.ts';

type Endpoints = NonNullable<SliceObject['endpoints']>;

const { KUBECONFIG: kubeconfig } = environment();
const options = { skip: !kubeconfig && 'KUBECONFIG names no cluster', timeout: 120_000 };
if (options.skip) console.log(`Skipped: ${options.skip}.`);

const noDns: Resolver = async function* ({ hostname }, signal) {
  yield { error: new NotFoundError(hostname) };
  if (!signal.aborted) await once(signal, 'abort');
};

/** A namespace for one test. */
class Scratch {
  readonly config = new KubeConfig();
  readonly namespace = `evenkeel-test-${randomBytes(4).toString('hex')}`;
  readonly core: CoreV1Api;
  readonly #discovery: DiscoveryV1Api;
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    this.config.loadFromDefault();
    this.core = this.config.makeApiClient(CoreV1Api);
    this.#discovery = this.config.makeApiClient(DiscoveryV1Api);
  }

  static async create(t: TestContext): Promise<Scratch> {
    const scratch = new Scratch(t);
    const { core, namespace } = scratch;
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    t.after(() => core.deleteNamespace({ name: namespace }));
    return scratch;
  }

  /** Makes a Service without a selector, so that nobody else makes slices for it. */
  async serve(name: string, spec: V1ServiceSpec): Promise<void> {
    await this.core.createNamespacedService({
      namespace: this.namespace,
      body: { metadata: { name }, spec },
    });
  }

  async put(name: string, endpoints: Endpoints, facts?: SliceFacts): Promise<void> {
    const { namespace } = this;
    const { items } = await this.#discovery.listNamespacedEndpointSlice({ namespace });
    const before = items.find((item) => item.metadata?.name === name);
    const { metadata, ...slice } = sliceOf('orders', name, endpoints, facts);
    const body = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: metadata?.labels, resourceVersion: before?.metadata?.resourceVersion },
      ...slice,
    } as V1EndpointSlice;
    if (before) await this.#discovery.replaceNamespacedEndpointSlice({ namespace, name, body });
    else await this.#discovery.createNamespacedEndpointSlice({ namespace, body });
  }

  async remove(name: string): Promise<void> {
    await this.#discovery.deleteNamespacedEndpointSlice({ namespace: this.namespace, name });
  }

  follow(service: string, port = 80): Following {
    const abort = new AbortController();
    this.#t.after(() => abort.abort());
    const resolver = clusterResolver(
      noDns,
      {
        discovery: 'kubernetes',
        mesh: 'ignore',
        dns: { servers: undefined, minTtl: 1_000, maxTtl: 30_000, family: 4, negativeHold: 1_000 },
        kubernetes: { ...NO_SETTINGS, kubeconfig },
        clock: systemClock,
        random: Math.random,
      },
      thisPlace({}),
      transportFor,
    );
    const target = { hostname: `${service}.${this.namespace}.svc`, port, protocol: 'http:' } as const;
    return new Following(resolver(target, abort.signal));
  }
}

class Following extends Reader<Resolution> {
  async gets(...wanted: string[]): Promise<void> {
    await this.until(
      (resolution) => text(resolution).split(' ').toSorted().join() === wanted.toSorted().join(),
    );
  }
}

const http = { name: 'http', port: 80, protocol: 'TCP' };
const named = { ports: { http: 8080 } };

test('endpoints become ready, terminate, move between slices and vanish', options, async (t) => {
  const scratch = await Scratch.create(t);
  await scratch.serve('orders', { ports: [http] });
  await scratch.put('a', [podAt('192.0.2.1'), podAt('192.0.2.2', { ready: false })], named);
  const orders = scratch.follow('orders');
  await orders.gets('192.0.2.1:8080');

  await scratch.put('a', [podAt('192.0.2.1'), podAt('192.0.2.2')], named);
  await orders.gets('192.0.2.1:8080', '192.0.2.2:8080');
  await scratch.put('a', [leaving('192.0.2.1'), podAt('192.0.2.2')], named);
  await orders.gets('192.0.2.2:8080');

  await scratch.put('b', [podAt('192.0.2.2'), podAt('192.0.2.3')], { ports: { http: 9090 } });
  await orders.gets('192.0.2.2:8080', '192.0.2.2:9090', '192.0.2.3:9090');
  await scratch.put('a', [], named);
  await orders.gets('192.0.2.2:9090', '192.0.2.3:9090');
  await scratch.remove('b');
  await orders.gets('');
});

test('a headless Service, one with several ports and an alias are what they are', options, async (t) => {
  const scratch = await Scratch.create(t);
  const admin = { name: 'admin', port: 9000, protocol: 'TCP' };
  await scratch.serve('orders', { ports: [http, admin] });
  await scratch.put('a', [podAt('192.0.2.1')], { ports: { http: 8080, admin: 9001 } });
  await scratch.follow('orders', 80).gets('192.0.2.1:8080');
  await scratch.follow('orders', 9000).gets('192.0.2.1:9001');

  await scratch.core.deleteNamespacedService({ namespace: scratch.namespace, name: 'orders' });
  await scratch.serve('orders', { clusterIP: 'None', ports: [http] });
  await scratch.put('a', [podAt('192.0.2.1')], named);
  await scratch.follow('orders', 7070).gets('192.0.2.1:7070');

  await scratch.serve('db', { type: 'ExternalName', externalName: 'db.invalid' });
  await scratch
    .follow('db')
    .until((resolution) => text(resolution) === 'error: getaddrinfo ENOTFOUND db.invalid.');
});

test('a port that the Service lacks leads to its ClusterIP', options, async (t) => {
  const scratch = await Scratch.create(t);
  const { namespace } = scratch;
  await scratch.serve('orders', { ports: [http] });
  const { spec } = await scratch.core.readNamespacedService({ namespace, name: 'orders' });
  await scratch.follow('orders', 8080).gets(`${spec?.clusterIP}:8080`);
});

test('a Service that is deleted has no endpoints', options, async (t) => {
  const scratch = await Scratch.create(t);
  const { namespace } = scratch;
  await scratch.serve('orders', { ports: [http] });
  await scratch.put('a', [podAt('192.0.2.1')], named);
  const orders = scratch.follow('orders');
  await orders.gets('192.0.2.1:8080');
  await scratch.core.deleteNamespacedService({ namespace, name: 'orders' });
  await scratch.remove('a');
  await orders.gets('');
});

test('the rights that evenkeel rbac prints are enough, and no more', options, async (t) => {
  const scratch = await Scratch.create(t);
  const { namespace, core, config } = scratch;
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'app' } } });
  let yaml = '';
  rbac(['--namespace', namespace, '--service-account', 'app'], { write: (part) => (yaml += part) });
  const [role, binding] = loadAllYaml(yaml);
  const authorization = config.makeApiClient(RbacAuthorizationV1Api);
  await authorization.createNamespacedRole({ namespace, body: role });
  await authorization.createNamespacedRoleBinding({ namespace, body: binding });
  await scratch.serve('orders', { ports: [http] });

  const cluster = config.getCurrentCluster();
  assert.ok(cluster);
  const { hostname, port } = new URL(cluster.server);
  const body = { spec: { audiences: [], expirationSeconds: 600 } };
  const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: 'app', body });
  const directory = mkdtempSync(join(tmpdir(), 'service-account-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const ca = cluster.caFile ? readFileSync(cluster.caFile) : Buffer.from(cluster.caData ?? '', 'base64');
  writeFileSync(join(directory, 'ca.crt'), ca);
  writeFileSync(join(directory, 'token'), status?.token ?? '');
  const transport = inClusterTransport({ host: hostname, port: port || '443', serviceAccount: directory });

  const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  for (const [path, expected] of [
    [`${slices}?resourceVersion=0`, 200],
    [`${slices}?watch=1&timeoutSeconds=1`, 200],
    [`/api/v1/namespaces/${namespace}/services/orders`, 200],
    [`/api/v1/namespaces/${namespace}/services`, 403],
    [`/api/v1/namespaces/${namespace}/secrets`, 403],
    [`/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`, 403],
  ] as const) {
    const response = await transport.get(path, AbortSignal.timeout(10_000));
    for await (const _ of response.body);
    assert.equal(response.status, expected, path);
  }
});
