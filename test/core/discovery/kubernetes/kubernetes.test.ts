import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterNames } from '../../../../src/core/discovery/kubernetes/cluster-names.ts';
import type { Finding } from '../../../../src/core/discovery/kubernetes/finding.ts';
import { Kubernetes } from '../../../../src/core/discovery/kubernetes/kubernetes.ts';
import type { Place } from '../../../../src/core/discovery/kubernetes/place.ts';
import type { ServiceObject } from '../../../../src/core/discovery/kubernetes/service-spec.ts';
import type { KubernetesSettings } from '../../../../src/core/discovery/settings.ts';
import { transportFor } from '../../../../src/transports/kubernetes-api/transport.ts';
import { leaving, podAt, serviceNamed, sliceOf } from '../../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../../support/api-server.ts';
import { endpointsOf, NO_SETTINGS, placeIn, Reader, settled, text, WatchedClock } from './setup.ts';

const ORDERS = { namespace: 'prod', name: 'orders' };

interface Options {
  /** By default one on which the 50 ms between two findings pass by themselves. */
  clock?: WatchedClock;
  place?: Partial<Place>;
  settings?: Partial<KubernetesSettings>;
}

/** A client in the cluster of an API server that has a Service `orders`, of one pod. */
class Client {
  readonly api: ApiServer;
  readonly clock: WatchedClock;
  readonly kubernetes: Kubernetes;
  readonly warnings: string[] = [];
  readonly #t: TestContext;

  constructor(t: TestContext, api: ApiServer, options: Options = {}) {
    const { place, settings, clock = new WatchedClock({ passes: 50 }) } = options;
    this.#t = t;
    this.api = api;
    this.clock = clock;
    const here = { ...placeIn(t, api), ...place };
    const open = transportFor({ kubeconfig: settings?.kubeconfig, wanted: false, place: here });
    this.kubernetes = new Kubernetes({
      open: open ?? assert.fail,
      names: new ClusterNames(settings?.clusterDomain, here),
      settings: { ...NO_SETTINGS, ...settings },
      family: 'auto',
      place: here,
      clock: this.clock,
      random: () => 0,
      warn: (code, message) => this.warnings.push(`${code}: ${message}`),
      startSpread: 0,
    });
  }

  follow(port = 80, service = ORDERS): Following {
    const abort = this.aborted();
    const target = { hostname: service.name, port, protocol: 'http:' } as const;
    return new Following(this.kubernetes.follow(service, target, abort.signal), abort);
  }

  /** Aborts when the test ends. */
  aborted(): AbortController {
    const abort = new AbortController();
    this.#t.after(() => abort.abort());
    return abort;
  }

  /** Like the controller, which makes slices for a Service. */
  own(service: ServiceObject, name: string, address: string, ports?: Record<string, number>): void {
    const facts = { owner: service.metadata?.uid, ...(ports && { ports }) };
    this.api.store.putSlice('prod', sliceOf('orders', name, [podAt(address)], facts));
  }

  /** Grants the right to read Services, and not to watch them. */
  grantsReadingOnly(): void {
    this.api.refuse = ({ kind }) =>
      /^service-/.test(kind) ? { status: 403, message: 'forbidden' } : undefined;
  }

  put(name: string, ...addresses: string[]): void {
    this.api.store.putSlice(
      'prod',
      sliceOf(
        'orders',
        name,
        addresses.map((address) => podAt(address)),
      ),
    );
  }
}

class Following extends Reader<Finding> {
  readonly abort: AbortController;

  constructor(findings: AsyncIterable<Finding>, abort = new AbortController()) {
    super(findings);
    this.abort = abort;
  }

  /** What was found last. */
  get text(): string {
    return this.last === undefined ? '' : said(this.last);
  }

  async finds(wanted: string): Promise<Finding> {
    return this.until((finding) => said(finding) === wanted);
  }
}

function said(finding: Finding): string {
  if (finding.name === 'resolved') return text(finding.resolution);
  return finding.name === 'alias' ? `alias: ${finding.hostname}` : `unknown: ${finding.error?.message ?? ''}`;
}

async function start(t: TestContext, options?: Options): Promise<Client> {
  const api = await startApiServer(t);
  const client = new Client(t, api, options);
  api.store.putService('prod', serviceNamed('orders'));
  client.put('a', '10.0.0.1');
  return client;
}

test('the endpoints of a Service are found, and whose they are', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  const finding = await orders.finds('10.0.0.1:8080');
  const { source, pushed, matchedName, virtual } = endpointsOf(
    (finding as Extract<Finding, { name: 'resolved' }>).resolution,
  );
  assert.equal(source, 'endpointslices');
  assert.equal(matchedName, 'orders.prod.svc.cluster.local');
  assert.equal(pushed, true);
  assert.equal(virtual, undefined);
});

test('slices of another Service lead nowhere, though the server tells of them', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  client.api.say('ADDED', sliceOf('payments', 'z', [podAt('10.0.0.9')], { version: '200' }));
  client.api.say('MODIFIED', sliceOf('orders', 'a', [podAt('10.0.0.2')], { version: '201' }));
  await orders.until((finding) => said(finding) !== '10.0.0.1:8080');
  assert.equal(orders.text, '10.0.0.2:8080');
});

test('a change after a quiet moment is found at once', async (t) => {
  const client = await start(t, { clock: new WatchedClock() });
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  await settled();
  client.clock.advance(50);
  client.put('b', '10.0.0.2');
  await orders.finds('10.0.0.1:8080 10.0.0.2:8080');
});

test('of changes in a burst the last is found, 50 ms after the first', async (t) => {
  const client = await start(t, { clock: new WatchedClock() });
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  await settled();
  client.clock.advance(50);
  client.put('b', '10.0.0.2');
  await orders.nth(2);
  client.clock.forget();
  for (let n = 3; n < 50; n++) client.put('b', `10.0.0.${n}`);
  await client.clock.pass(50);
  await orders.finds('10.0.0.1:8080 10.0.0.49:8080');
  assert.equal(orders.values.length, 3);
});

test('changes that concern nobody are not reported', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  const unready = podAt('10.0.0.2', { ready: false });
  client.api.store.putSlice('prod', sliceOf('orders', 'b', [unready]));
  client.api.store.putSlice('prod', sliceOf('orders', 'c', [podAt('10.0.0.1')]));
  client.put('d', '10.0.0.4');
  await orders.finds('10.0.0.1:8080 10.0.0.4:8080');
  assert.equal(orders.values.length, 2);
});

test('250 endpoints in three slices are followed through moves and deletions, exactly', async (t) => {
  const client = await start(t);
  const addresses = Array.from({ length: 250 }, (_, i) => `10.1.${i >> 7}.${i & 127}`);
  const [first, second, third] = [addresses.slice(0, 100), addresses.slice(100, 200), addresses.slice(200)];
  client.put('a', ...(first as string[]));
  client.put('b', ...(second as string[]));
  client.put('c', ...(third as string[]));
  const orders = client.follow();
  const set = async (wanted: readonly string[]) => {
    const sorted = wanted.toSorted().join();
    await orders.until((finding) => {
      const resolution = (finding as Extract<Finding, { name: 'resolved' }>).resolution;
      const found = endpointsOf(resolution).endpoints.map(({ address }) => address);
      return found.toSorted().join() === sorted;
    });
  };
  await set(addresses);
  await client.api.watched();

  const moving = '10.1.0.5';
  const rest = addresses.filter((address) => address !== moving);
  // It is in both slices for a moment,
  client.put('b', ...(second as string[]), moving);
  client.put('a', ...(first as string[]).filter((address) => address !== moving));
  await set(addresses.toSorted());
  // or in none.
  client.put('b', ...(second as string[]));
  await set(rest);
  client.put('c', ...(third as string[]), moving);
  await set([...rest, moving]);

  client.api.store.removeSlice('prod', 'b');
  await set([...rest, moving].filter((address) => !second?.includes(address)));
});

test('one that terminates is no longer found; with none ready it is again', async (t) => {
  const client = await start(t);
  client.put('a', '10.0.0.1', '10.0.0.2');
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080 10.0.0.2:8080');
  await client.api.watched();
  client.api.store.putSlice('prod', sliceOf('orders', 'a', [leaving('10.0.0.1'), podAt('10.0.0.2')]));
  await orders.finds('10.0.0.2:8080');
  client.api.store.putSlice('prod', sliceOf('orders', 'a', [leaving('10.0.0.1')]));
  await orders.finds('10.0.0.1:8080');
});

test('a Service that nobody serves is found without endpoints', async (t) => {
  const client = await start(t);
  client.api.store.removeSlice('prod', 'a');
  const orders = client.follow();
  const finding = await orders.nth(1);
  assert.equal(said(finding), '');
  assert.equal(finding.name, 'resolved');
});

test('a Service is watched once, whoever follows it, and no longer than that', async (t) => {
  const client = await start(t);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'admin', port: 9000 },
  ];
  client.api.store.putService('prod', serviceNamed('orders', { ports }));
  const named = sliceOf('orders', 'a', [podAt('10.0.0.1')], { ports: { http: 8080, admin: 9001 } });
  client.api.store.putSlice('prod', named);
  const http = client.follow(80);
  const admin = client.follow(9000);
  const again = client.follow(80);
  await Promise.all([
    http.finds('10.0.0.1:8080'),
    admin.finds('10.0.0.1:9001'),
    again.finds('10.0.0.1:8080'),
  ]);
  await Promise.all([client.api.watched(), client.api.watched(1, 'service-watch')]);
  const kinds = client.api.requests.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds, ['list', 'service-list', 'service-watch', 'watch']);

  http.abort.abort();
  again.abort.abort();
  await Promise.all([http.end(), again.end()]);
  await client.api.watched();
  assert.equal(client.api.openWatches, 1);
  admin.abort.abort();
  await admin.end();
  await client.api.left();
  assert.equal(client.clock.pending, 0);
});

test('a Service that is followed again is asked for again', async (t) => {
  const client = await start(t);
  const before = client.follow();
  await before.finds('10.0.0.1:8080');
  before.abort.abort();
  await before.end();
  client.put('a', '10.0.0.2');
  await client.follow().finds('10.0.0.2:8080');
});

test('slices with a port that the Service did not have wait for what the Service says of it', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  client.api.store.putService('prod', serviceNamed('orders', { ports: [{ name: 'web', port: 80 }] }));
  client.api.store.putSlice('prod', sliceOf('orders', 'a', [podAt('10.0.0.1')], { ports: { web: 8081 } }));
  await orders.finds('10.0.0.1:8081');
  assert.deepEqual(orders.values.map(said), ['10.0.0.1:8080', '10.0.0.1:8081']);
});

test('they do not wait for ever', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  const slice = sliceOf('orders', 'b', [podAt('10.0.0.2')], { ports: { '': 8080, admin: 9000 } });
  client.api.store.putSlice('prod', slice);
  await client.clock.asked(500);
  assert.equal(orders.text, '10.0.0.1:8080');
  client.clock.advance(500);
  await orders.finds('10.0.0.1:8080 10.0.0.2:8080');
});

test('a Service that is not there is unknown, until it is', async (t) => {
  const client = await start(t);
  client.api.store.removeService('prod', 'orders');
  client.api.store.removeSlice('prod', 'a');
  const orders = client.follow();
  await orders.finds('unknown: ');
  await client.api.watched();
  client.api.store.putService('prod', serviceNamed('orders'));
  client.put('a', '10.0.0.1');
  await orders.finds('10.0.0.1:8080');
  client.api.store.removeService('prod', 'orders');
  client.api.store.removeSlice('prod', 'a');
  await orders.finds('unknown: ');
  assert.deepEqual(client.warnings, []);
});

test('an alias is found as one', async (t) => {
  const client = await start(t);
  const spec = { type: 'ExternalName', externalName: 'db.example.com' };
  client.api.store.putService('prod', serviceNamed('db', spec));
  await client.follow(5432, { namespace: 'prod', name: 'db' }).finds('alias: db.example.com');
});

test('for a port that it seems to lack, the Service is read again', async (t) => {
  const client = await start(t);
  const http = client.follow();
  await http.finds('10.0.0.1:8080');
  client.api.store.putService(
    'prod',
    serviceNamed('orders', { ports: [{ port: 80 }, { name: 'admin', port: 9000 }] }),
  );
  const slice = sliceOf('orders', 'a', [podAt('10.0.0.2')], { ports: { '': 8080, admin: 9001 } });
  client.api.store.putSlice('prod', slice);
  await http.finds('10.0.0.2:8080');
  const admin = client.follow(9000);
  await admin.finds('10.0.0.2:9001');
  assert.deepEqual(client.warnings, []);
  assert.equal(admin.values.length, 1);
});

test('a port that the Service lacks leads to its ClusterIP, and a warning', async (t) => {
  const client = await start(t);
  const orders = client.follow(8080);
  const finding = await orders.finds('10.96.0.10:8080');
  const { resolution } = finding as Extract<Finding, { name: 'resolved' }>;
  assert.equal(endpointsOf(resolution).virtual, true);
  assert.equal(endpointsOf(resolution).source, 'clusterip');
  assert.equal(client.warnings.length, 1);
  assert.match(
    client.warnings[0] ?? '',
    /^EVENKEEL_PORT_UNKNOWN: orders\.prod\.svc\.cluster\.local: .* TCP port 8080/,
  );
});

test('pods that cannot be reached are left to the ClusterIP, until they can', async (t) => {
  const client = await start(t);
  // A ClusterIP that connects: the API server's own address.
  const { host, port } = client.api;
  client.api.store.putService('prod', serviceNamed('orders', { clusterIP: host, ports: [{ port }] }));
  const unreachable = sliceOf('orders', 'a', [podAt('127.0.0.2')], { ports: { '': port } });
  client.api.store.putSlice('prod', unreachable);
  const orders = client.follow(port);
  const finding = await orders.finds(`127.0.0.2:${port}`);

  endpointsOf((finding as Extract<Finding, { name: 'resolved' }>).resolution).onUnreachable?.();
  await orders.finds(`${host}:${port}`);
  assert.match(client.warnings.join(), /^EVENKEEL_PODS_UNREACHABLE: /);

  const pod = createServer().listen(port, '127.0.0.2');
  await once(pod, 'listening');
  t.after(() => pod.close());
  await client.clock.pass(60_000);
  await orders.finds(`127.0.0.2:${port}`);
  assert.equal(client.warnings.length, 1);
});

test('session affinity leaves one endpoint', async (t) => {
  const client = await start(t);
  client.api.store.putService('prod', serviceNamed('orders', { sessionAffinity: 'ClientIP' }));
  client.put('a', '10.0.0.1', '10.0.0.2', '10.0.0.3');
  const orders = client.follow();
  await orders.nth(1);
  assert.match(orders.text, /^10\.0\.0\.[123]:8080$/);
  const again = client.follow();
  await again.finds(orders.text);
});

test('where we are is learnt from one Service and used for another', async (t) => {
  const eth0 = [{ address: '10.0.0.7', internal: false }] as never;
  const client = await start(t, { place: { interfaces: { eth0 } } });
  const near = podAt('10.0.0.1', { forZones: ['z1'] });
  const far = podAt('10.0.0.2', { forZones: ['z2'] });
  client.api.store.putSlice('prod', sliceOf('orders', 'a', [near, far]));
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080 10.0.0.2:8080');

  client.api.store.putService('prod', serviceNamed('own'));
  client.api.store.putSlice('prod', sliceOf('own', 'o', [podAt('10.0.0.7', { zone: 'z2', nodeName: 'n2' })]));
  client.follow(80, { namespace: 'prod', name: 'own' });
  await orders.finds('10.0.0.2:8080');
});

test('without rights the Service is unknown, a warning names the remedy, and half a minute later it is tried again', async (t) => {
  const client = await start(t);
  const user = 'system:serviceaccount:web:frontend';
  client.api.refuse = () => ({
    status: 403,
    message: `endpointslices is forbidden: User "${user}" cannot list`,
  });
  const orders = client.follow();
  await orders.until((finding) => finding.name === 'unknown');
  assert.equal(client.warnings.length, 1);
  assert.match(client.warnings[0] ?? '', /^EVENKEEL_KUBERNETES_FORBIDDEN: /);
  assert.match(
    client.warnings[0] ?? '',
    /npx --no-install evenkeel rbac --namespace prod --service-account web:frontend \| kubectl apply -f -$/,
  );
  client.api.refuse = () => undefined;
  await client.clock.pass(30_000);
  await orders.finds('10.0.0.1:8080');
});

test('the right to read slices alone is not enough', async (t) => {
  const client = await start(t);
  client.api.refuse = ({ kind }) => (kind.startsWith('service') ? { status: 403 } : undefined);
  const orders = client.follow();
  await orders.until((finding) => finding.name === 'unknown');
  assert.match(client.warnings.join(), /FORBIDDEN/);
  assert.equal(client.warnings.length, 1);
  client.api.refuse = () => undefined;
  await client.clock.pass(30_000);
  await orders.finds('10.0.0.1:8080');
});

test('while the API is away the last good set stays; when it lasts, that is said, and taken back', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  await client.api.stop();
  await client.clock.pass(800);
  await orders.until((finding) => said(finding).startsWith('error: '));
  await client.api.start();
  // Both watches.
  while (orders.text !== '10.0.0.1:8080') {
    client.clock.advance(1_000);
    await sleep(1);
  }
  assert.deepEqual(
    orders.values.map(({ name }) => name),
    ['resolved', 'resolved', 'resolved'],
  );
});

test('after ten minutes without the API the Service is unknown, until the API is back', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  await client.api.stop();
  const from = client.clock.now();
  for (const pause of [800, 1_600, 3_200, 6_400]) await client.clock.pass(pause);
  while (orders.last?.name !== 'unknown') await client.clock.pass(10_000);
  const away = client.clock.now() - from;
  // From the first failure on, and seen with the next.
  assert.ok(away >= 600_000 && away <= 630_000, `unknown after ${away} ms`);
  await client.api.start();
  await client.clock.passUntil(() => orders.text === '10.0.0.1:8080');
});

test('an API that was never to be seen makes the Service unknown at once; it is said after a minute', async (t) => {
  const client = await start(t);
  client.api.refuse = () => ({ status: 500 });
  const orders = client.follow();
  await orders.until((finding) => finding.name === 'unknown');
  for (const pause of [800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000]) {
    await client.clock.pass(pause);
    assert.deepEqual(client.warnings, []);
  }
  await client.clock.pass(10_000);
  await client.clock.asked(30_000);
  client.api.refuse = () => undefined;
  await client.clock.passUntil(() => orders.text === '10.0.0.1:8080');
  assert.equal(client.warnings.length, 1);
  assert.match(client.warnings[0] ?? '', /^EVENKEEL_KUBERNETES_UNREACHABLE: .*answered 500/);
});

test('a kubeconfig that cannot be used makes every Service unknown, and is said', async (t) => {
  const client = await start(t, { settings: { kubeconfig: '/nonexistent/config' } });
  const orders = client.follow();
  await orders.end();
  assert.match(orders.text, /^unknown: the kubeconfig \/nonexistent\/config can't be used: ENOENT/);
  assert.match(client.warnings.join(), /^EVENKEEL_KUBECONFIG: /);
});

test('a short name means a Service of the own namespace, or the one that is set', async (t) => {
  const guess = (client: Client, hostname: string) => {
    const { signal } = client.aborted();
    return new Following(client.kubernetes.guess({ hostname, port: 80, protocol: 'http:' }, signal));
  };
  const client = await start(t);
  await guess(client, 'orders').finds('10.0.0.1:8080');
  await guess(client, 'orders.prod').finds('10.0.0.1:8080');
  await guess(client, 'api.github.com').finds('unknown: ');
  const elsewhere = await start(t, { settings: { namespace: 'test' } });
  await guess(elsewhere, 'orders').finds('unknown: ');
  assert.equal((await elsewhere.api.received('list')).namespace, 'test');
});

const PORTS = [
  { name: '', port: 80 },
  { name: 'admin', port: 9000 },
];
const SWAPPED = [
  { name: '', port: 9000 },
  { name: 'admin', port: 80 },
];
const EDITS: [what: string, from: ServiceObject['spec'], to: ServiceObject['spec'], found: string][] = [
  [
    'externalName changes',
    { type: 'ExternalName', externalName: 'old.example.com' },
    { type: 'ExternalName', externalName: 'new.example.com' },
    'alias: new.example.com',
  ],
  [
    'it becomes an alias',
    {},
    { type: 'ExternalName', externalName: 'db.example.com' },
    'alias: db.example.com',
  ],
  [
    'it is an alias no more',
    { type: 'ExternalName', externalName: 'x.example.com' },
    {},
    '10.0.0.1:8080 10.0.0.2:8080',
  ],
  ['internalTrafficPolicy becomes Local', {}, { internalTrafficPolicy: 'Local' }, '10.0.0.2:8080'],
  [
    'internalTrafficPolicy becomes Cluster',
    { internalTrafficPolicy: 'Local' },
    {},
    '10.0.0.1:8080 10.0.0.2:8080',
  ],
  ['sessionAffinity goes', { sessionAffinity: 'ClientIP' }, {}, '10.0.0.1:8080 10.0.0.2:8080'],
  ['ports are swapped', { ports: PORTS }, { ports: SWAPPED }, '10.0.0.1:9001 10.0.0.2:9001'],
  ['the port gets another number', {}, { ports: [{ port: 8000 }] }, '10.96.0.10:80'],
  ['its ClusterIP goes', {}, { clusterIP: 'None' }, '10.0.0.1:80 10.0.0.2:80'],
];

for (const mayWatch of [true, false]) {
  for (const [what, from, to, found] of EDITS) {
    const when = mayWatch ? 'at once' : 'within five seconds where Services may not be watched';
    test(`of a Service whose slices stay as they are, ${what}: that is noticed ${when}`, async (t) => {
      const client = await start(t, { settings: { nodeName: 'here' } });
      if (!mayWatch) client.grantsReadingOnly();
      client.api.store.putService('prod', serviceNamed('orders', from));
      const pods = [podAt('10.0.0.1', { nodeName: 'there' }), podAt('10.0.0.2', { nodeName: 'here' })];
      client.api.store.putSlice(
        'prod',
        sliceOf('orders', 'a', pods, { ports: { '': 8080, ...(from?.ports && { admin: 9001 }) } }),
      );
      const orders = client.follow();
      const before = said(await orders.nth(1));
      assert.notEqual(before, found);
      if (mayWatch) await client.api.watched(1, 'service-watch');
      client.api.store.putService('prod', serviceNamed('orders', to));
      if (!mayWatch) await client.clock.pass(4_000, 5_000);
      await orders.finds(found);
      assert.deepEqual(orders.values.map(said), [before, found]);
    });
  }

  test(`of a Service that is recreated at once only the new slices are used, ${mayWatch ? 'watched' : 'read'}`, async (t) => {
    const client = await start(t);
    if (!mayWatch) client.grantsReadingOnly();
    const { store } = client.api;
    store.removeSlice('prod', 'a');
    client.own(store.service('prod', 'orders')!, 'a', '10.0.0.1');
    const orders = client.follow();
    await orders.finds('10.0.0.1:8080');
    await client.api.watched();
    if (mayWatch) await client.api.watched(1, 'service-watch');

    store.removeService('prod', 'orders');
    const recreated = store.putService('prod', serviceNamed('orders', { clusterIP: '10.96.0.11' }));
    client.own(recreated, 'b', '10.0.0.2', { '': 9090 });
    await orders.finds('10.0.0.2:9090');
    store.removeSlice('prod', 'a');
    client.own(recreated, 'b', '10.0.0.3', { '': 9090 });
    await orders.finds('10.0.0.3:9090');
    assert.deepEqual(orders.values.map(said), ['10.0.0.1:8080', '10.0.0.2:9090', '10.0.0.3:9090']);
  });
}

test('a headless Service that is recreated with a ClusterIP is dialled at the port that it has now', async (t) => {
  const client = await start(t);
  const { store } = client.api;
  store.putService('prod', serviceNamed('orders', { clusterIP: 'None' }));
  client.own(store.service('prod', 'orders')!, 'a', '10.0.0.1');
  const orders = client.follow();
  await orders.finds('10.0.0.1:80');
  await client.api.watched(1, 'service-watch');
  store.removeService('prod', 'orders');
  const recreated = store.putService('prod', serviceNamed('orders'));
  client.own(recreated, 'b', '10.0.0.1', { '': 9090 });
  await orders.finds('10.0.0.1:9090');
  assert.deepEqual(orders.values.map(said), ['10.0.0.1:80', '10.0.0.1:9090']);
});

test('slices that are not replaced serve a Service that was recreated, as long as they are there', async (t) => {
  const client = await start(t);
  const { store } = client.api;
  client.own(store.service('prod', 'orders')!, 'a', '10.0.0.1');
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched(1, 'service-watch');
  store.removeService('prod', 'orders');
  store.putService('prod', serviceNamed('orders', { clusterIP: 'None' }));
  await client.clock.asked(500);
  await settled();
  client.clock.advance(500);
  await orders.finds('10.0.0.1:80');
  client.own(store.service('prod', 'orders')!, 'b', '10.0.0.2');
  await orders.finds('10.0.0.2:80');
  assert.deepEqual(orders.values.map(said), ['10.0.0.1:8080', '10.0.0.1:80', '10.0.0.2:80']);
});

test('a Service that is deleted is unknown half a second later, though its slices are still there', async (t) => {
  const client = await start(t);
  const { store } = client.api;
  client.own(store.service('prod', 'orders')!, 'a', '10.0.0.1');
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched(1, 'service-watch');
  store.removeService('prod', 'orders');
  await client.clock.pass(500);
  await orders.finds('unknown: ');
});

test('a port that is renamed leaves no moment without endpoints, whichever is heard of first', async (t) => {
  for (const serviceFirst of [true, false]) {
    const client = await start(t);
    const { store } = client.api;
    const orders = client.follow();
    await orders.finds('10.0.0.1:8080');
    await Promise.all([client.api.watched(), client.api.watched(1, 'service-watch')]);
    const edits = [
      () => store.putService('prod', serviceNamed('orders', { ports: [{ name: 'web', port: 80 }] })),
      () => client.own(store.service('prod', 'orders')!, 'a', '10.0.0.1', { web: 8081 }),
    ];
    if (!serviceFirst) edits.reverse();
    for (const edit of edits) {
      edit();
      await client.clock.asked(0, 500);
      await settled();
    }
    await orders.finds('10.0.0.1:8081');
    assert.deepEqual(orders.values.map(said), ['10.0.0.1:8080', '10.0.0.1:8081']);
  }
});

test('where Services may be read and not watched, a warning says what to grant, and half a minute later they are', async (t) => {
  const client = await start(t);
  client.grantsReadingOnly();
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  assert.equal(client.warnings.length, 1);
  assert.match(
    client.warnings[0] ?? '',
    /^EVENKEEL_KUBERNETES_FORBIDDEN: .* may not watch.*rbac --namespace prod/,
  );
  client.api.refuse = () => undefined;
  client.clock.advance(30_000);
  await client.api.watched(1, 'service-watch');
  await settled();
  const reads = () => client.api.requests.filter(({ kind }) => kind === 'service').length;
  const before = reads();
  client.clock.advance(60_000);
  await settled();
  assert.equal(reads(), before);
  client.api.store.putService('prod', serviceNamed('orders', { clusterIP: 'None' }));
  await orders.finds('10.0.0.1:80');
});

test('an API server that refuses everything for half a minute after its start is an outage, and no reason to warn', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await Promise.all([client.api.watched(), client.api.watched(1, 'service-watch')]);
  await client.api.stop();
  await client.clock.pass(800);
  await client.api.start();
  const restarted = client.api.requests.length;
  const restartedAt = client.clock.now();
  const refusedFor = () => client.clock.now() - restartedAt;
  client.api.refuse = () => ({ status: refusedFor() < 15_000 ? 403 : 503 });
  await client.clock.passUntil(() => refusedFor() >= 30_000);
  client.api.refuse = () => undefined;
  client.put('b', '10.0.0.2');
  const after = await client.clock.passUntil(() => orders.text === '10.0.0.1:8080 10.0.0.2:8080', 100);
  assert.ok(after <= 5_000, `slices are in use ${after} ms after`);
  assert.ok(orders.values.every(({ name }) => name === 'resolved'));
  assert.deepEqual(client.warnings, []);
  // Every few seconds, for both watches.
  assert.ok(client.api.requests.length - restarted <= 12, String(client.api.requests.length - restarted));
});

test('so it is where Services may be read and not watched: they are read again within five seconds', async (t) => {
  const client = await start(t);
  client.grantsReadingOnly();
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  const granted = client.api.refuse;
  client.api.refuse = () => ({ status: 403 });
  await client.clock.passUntil(() => client.clock.now() > 40_000);
  assert.deepEqual([client.warnings.length, orders.last?.name], [1, 'resolved']);
  client.api.refuse = granted;
  client.api.store.putService('prod', serviceNamed('orders', { clusterIP: 'None' }));
  const after = await client.clock.passUntil(() => orders.text === '10.0.0.1:80', 100);
  assert.ok(after <= 5_000, `the Service is followed ${after} ms after`);
});

test('rights that are taken away are an outage for a minute, then a reason to warn', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched();
  client.api.refuse = () => ({ status: 403 });
  client.api.breakWatches();
  for (let refused = 0; refused < 58_000; refused += await client.clock.pass(800, 5_000)) {
    assert.equal(orders.last?.name, 'resolved');
    assert.deepEqual(client.warnings, []);
  }
  while (client.warnings.length === 0) {
    client.clock.advance(1_000);
    await sleep(1);
  }
  await orders.until(({ name }) => name === 'unknown');
  assert.match(client.warnings.join(), /^EVENKEEL_KUBERNETES_FORBIDDEN: .*so it uses DNS/);
});

test('while changes of an alias do not arrive, it is unknown: the DNS of its name is right', async (t) => {
  const client = await start(t);
  client.api.store.putService(
    'prod',
    serviceNamed('orders', { type: 'ExternalName', externalName: 'a.example.com' }),
  );
  const orders = client.follow();
  await orders.finds('alias: a.example.com');
  await client.api.watched(1, 'service-watch');
  await client.api.stop();
  await client.clock.pass(800);
  await orders.until(({ name }) => name === 'unknown');
  await client.api.start();
  while (orders.text !== 'alias: a.example.com') {
    client.clock.advance(1_000);
    await sleep(1);
  }
});

for (const [what, kinds] of [
  ['EndpointSlices', ['watch']],
  ['EndpointSlices and Services', ['watch', 'service-watch', 'service']],
  ['Services', ['service-watch', 'service']],
] as const) {
  test(`the right to list ${what}, and not to watch them, is not enough`, async (t) => {
    const client = await start(t);
    client.api.refuse = ({ kind }) => (kinds.some((k) => k === kind) ? { status: 403 } : undefined);
    const orders = client.follow();
    await orders.until(({ name }) => name === 'unknown');
    assert.match(client.warnings.join(), /^EVENKEEL_KUBERNETES_FORBIDDEN: [^:]*may not read/);
    client.clock.advance(29_000);
    await settled();
    assert.equal(client.api.requests.filter(({ kind }) => kind === 'list').length, 1);
    client.api.refuse = () => undefined;
    let watched = false;
    void Promise.all([client.api.watched(), client.api.watched(1, 'service-watch')]).then(() => {
      watched = true;
    });
    await client.clock.passUntil(() => watched && orders.text === '10.0.0.1:8080');
  });
}

test('edits of a Service that concern nobody are not reported', async (t) => {
  const client = await start(t);
  const orders = client.follow();
  await orders.finds('10.0.0.1:8080');
  await client.api.watched(1, 'service-watch');
  for (let i = 0; i < 3; i++)
    client.api.store.putService('prod', serviceNamed('orders', {}, { note: String(i) }));
  client.api.store.putService('prod', serviceNamed('orders', { clusterIP: 'None' }));
  await orders.finds('10.0.0.1:80');
  assert.equal(orders.values.length, 2);
});
