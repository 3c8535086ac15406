import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { autoResolver } from '../../../src/core/discovery/auto.ts';
import { besideMesh } from '../../../src/core/discovery/beside-mesh.ts';
import { Changes } from '../../../src/core/discovery/changes.ts';
import { unlessAborted } from '../../../src/core/discovery/dns/abortable.ts';
import { NotFoundError } from '../../../src/core/discovery/dns/look-up-result.ts';
import { ClusterNames } from '../../../src/core/discovery/kubernetes/cluster-names.ts';
import { Kubernetes } from '../../../src/core/discovery/kubernetes/kubernetes.ts';
import { MeshDetector } from '../../../src/core/discovery/kubernetes/mesh.ts';
import type { Resolution, Resolver, ResolveTarget } from '../../../src/core/discovery/resolver.ts';
import { transportFor } from '../../../src/transports/kubernetes-api/transport.ts';
import { podAt, serviceNamed, sliceOf } from '../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../support/api-server.ts';
import {
  endpointsOf,
  NO_SETTINGS,
  placeIn,
  Reader,
  settled,
  type TestPlace,
  text,
  WatchedClock,
} from './kubernetes/setup.ts';

const CLUSTER_IP = '10.96.0.10:80';
const POD = '10.0.0.1:8080';

/** A name service that says what it is told to, of each name. */
class ScriptedDns {
  /** Who is followed now. */
  readonly followed: string[] = [];
  /** How often somebody began to follow. */
  starts = 0;
  readonly #answers = new Map<string, Resolution>();
  readonly #changes = new Changes();

  say(hostname: string, address: string, matchedName?: string): void {
    const endpoints = [{ address, port: 80 }];
    this.#say(hostname, { endpoints, source: 'dns', ...(matchedName && { matchedName }) });
  }

  fail(hostname: string, error: Error = new NotFoundError(hostname)): void {
    this.#say(hostname, { error, source: 'dns' });
  }

  #say(hostname: string, resolution: Resolution): void {
    this.#answers.set(hostname, resolution);
    this.#changes.add();
  }

  readonly resolve: Resolver = ({ hostname }, signal) => this.#follow(hostname, signal);

  async *#follow(hostname: string, signal: AbortSignal): AsyncGenerator<Resolution> {
    this.starts++;
    this.followed.push(hostname);
    try {
      let last: Resolution | undefined;
      while (!signal.aborted) {
        const { count } = this.#changes;
        const answer = this.#answers.get(hostname);
        if (answer !== undefined && answer !== last) yield (last = answer);
        await unlessAborted(this.#changes.since(count), signal);
      }
    } finally {
      this.followed.splice(this.followed.indexOf(hostname), 1);
    }
  }
}

class Cluster {
  readonly api: ApiServer;
  readonly dns = new ScriptedDns();
  readonly clock = new WatchedClock({ passes: 50 });
  readonly warnings: string[] = [];
  readonly place: TestPlace;
  readonly kubernetes: Kubernetes;
  readonly names: ClusterNames;
  readonly #t: TestContext;

  constructor(t: TestContext, api: ApiServer) {
    this.#t = t;
    this.api = api;
    this.place = placeIn(t, api);
    this.names = new ClusterNames(undefined, this.place);
    this.kubernetes = new Kubernetes({
      names: this.names,
      open: transportFor({ kubeconfig: undefined, wanted: false, place: this.place }) ?? assert.fail,
      settings: NO_SETTINGS,
      family: 'auto',
      place: this.place,
      clock: this.clock,
      random: () => 0,
      warn: this.warn,
      startSpread: 0,
    });
    api.store.putService('prod', serviceNamed('orders'));
    this.put('10.0.0.1');
    this.dns.say('orders', '10.96.0.10', 'orders.prod.svc.cluster.local');
  }

  readonly warn = (code: string, message: string) => {
    this.warnings.push(`${code}: ${message}`);
  };

  put(...addresses: string[]): void {
    this.api.store.putSlice(
      'prod',
      sliceOf(
        'orders',
        'a',
        addresses.map((address) => podAt(address)),
      ),
    );
  }

  resolver({ wanted = false } = {}): Resolver {
    return autoResolver({
      dns: this.dns.resolve,
      kubernetes: this.kubernetes,
      names: this.names,
      wanted,
      negativeHold: 30_000,
      clock: this.clock,
    });
  }

  resolverBesideMesh(): Resolver {
    return besideMesh({
      detector: new MeshDetector(this.place.procNet, this.clock),
      otherwise: this.resolver(),
      dns: this.dns.resolve,
      names: this.names,
      warn: this.warn,
    });
  }

  follow(hostname = 'orders', resolver = this.resolver()): Following {
    const abort = new AbortController();
    this.#t.after(() => abort.abort());
    const target: ResolveTarget = { hostname, port: 80, protocol: 'http:' };
    return new Following(resolver(target, abort.signal), abort);
  }
}

class Following extends Reader<Resolution> {
  readonly abort: AbortController;

  constructor(resolutions: AsyncIterable<Resolution>, abort: AbortController) {
    super(resolutions);
    this.abort = abort;
  }

  get texts(): string[] {
    return this.values.map(text);
  }

  async gets(wanted: string): Promise<Resolution> {
    return this.until((resolution) => text(resolution) === wanted);
  }
}

async function start(t: TestContext): Promise<Cluster> {
  return new Cluster(t, await startApiServer(t));
}

test('DNS answers at once, EndpointSlices when they are there; then DNS is left alone', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  assert.equal(text(await orders.nth(1)), CLUSTER_IP);
  await orders.gets(POD);
  assert.deepEqual(orders.texts, [CLUSTER_IP, POD]);
  await settled();
  assert.deepEqual(cluster.dns.followed, []);
});

test('a name that is no Service causes no call of the API', async (t) => {
  const cluster = await start(t);
  cluster.dns.say('github.com', '192.0.2.1', 'github.com');
  cluster.dns.say('db', '10.1.2.3', 'db.corp.example.com');
  cluster.dns.say('orders-0.orders', '10.0.0.1', 'orders-0.orders.prod.svc.cluster.local');
  for (const hostname of ['github.com', 'db', 'orders-0.orders']) {
    await cluster.follow(hostname).nth(1);
  }
  await settled();
  assert.equal(cluster.api.requests.length, 0);
  assert.equal(cluster.api.connections, 0);
});

test('without rights DNS goes on', async (t) => {
  const cluster = await start(t);
  cluster.api.refuse = () => ({ status: 403 });
  const orders = cluster.follow();
  await orders.nth(1);
  await cluster.clock.asked(30_000);
  cluster.dns.say('orders', '10.96.0.11', 'orders.prod.svc.cluster.local');
  await orders.gets('10.96.0.11:80');
  assert.deepEqual(orders.texts, [CLUSTER_IP, '10.96.0.11:80']);
  assert.equal(cluster.warnings.length, 1);
});

test('when rights are taken away DNS takes over, without a gap; when they are back, slices do', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  // What was never watched is refused at once.
  await Promise.all([cluster.api.watched(), cluster.api.watched(1, 'service-watch')]);
  cluster.api.refuse = () => ({ status: 403 });
  cluster.api.breakWatches();
  const refused = await cluster.clock.passUntil(() => orders.texts.at(-1) === CLUSTER_IP);
  assert.ok(refused >= 60_000 && refused <= 70_000, `DNS after ${refused} ms`);
  assert.equal(cluster.dns.starts, 2);
  cluster.api.refuse = () => undefined;
  while (orders.texts.at(-1) !== POD) {
    cluster.clock.advance(1_000);
    await sleep(1);
  }
  const answers = orders.texts.filter((text) => !text.startsWith('error: '));
  // Slices and Services are watched apart. Whichever is open later says the same again.
  const changes = answers.filter((text, n) => text !== answers[n - 1]);
  assert.deepEqual(changes, [CLUSTER_IP, POD, CLUSTER_IP, POD]);
});

test('what slices showed last stays when DNS does not know either', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  // What was never watched is refused at once.
  await Promise.all([cluster.api.watched(), cluster.api.watched(1, 'service-watch')]);
  cluster.dns.fail('orders', new Error('ESERVFAIL'));
  cluster.api.refuse = () => ({ status: 403 });
  cluster.api.breakWatches();
  const refused = await cluster.clock.passUntil(() => orders.texts.at(-1) === 'error: ESERVFAIL');
  assert.ok(refused >= 60_000 && refused <= 70_000, `an error after ${refused} ms`);
});

test('a Service that is deleted leaves its endpoints for a while, and then nothing', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  await cluster.api.watched();
  cluster.dns.fail('orders');
  cluster.api.store.removeService('prod', 'orders');
  const port = { ports: { '': 8080, gone: 1 } };
  cluster.api.store.putSlice('prod', sliceOf('orders', 'a', [podAt('10.0.0.1')], port));
  const last = await orders.until((resolution) => 'withdrawn' in resolution);
  assert.equal(text(last), POD);
  await cluster.clock.pass(30_000);
  await orders.gets('');
});

test('a Service that comes back before that is used as if nothing had been', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  await cluster.api.watched();
  cluster.dns.fail('orders');
  cluster.api.store.removeService('prod', 'orders');
  cluster.api.store.removeSlice('prod', 'a');
  await orders.until((resolution) => 'withdrawn' in resolution);
  cluster.api.store.putService('prod', serviceNamed('orders'));
  cluster.put('10.0.0.1');
  await orders.until((resolution) => text(resolution) === POD && !('withdrawn' in resolution));
  cluster.clock.advance(30_000);
  await settled();
  assert.equal(orders.texts.at(-1), POD);
});

test('an alias is followed where it leads', async (t) => {
  const cluster = await start(t);
  const alias = { type: 'ExternalName', externalName: 'db.example.com' };
  cluster.api.store.putService('prod', serviceNamed('db', alias));
  cluster.dns.say('db', '192.0.2.1', 'db.prod.svc.cluster.local');
  cluster.dns.say('db.example.com.', '192.0.2.2', 'db.example.com');
  const db = cluster.follow('db');
  await db.gets('192.0.2.2:80');
  assert.deepEqual(cluster.dns.followed, ['db.example.com.']);
});

const external = (externalName: string) => serviceNamed('db', { type: 'ExternalName', externalName });

test('an alias that changes is followed to where it leads now', async (t) => {
  const cluster = await start(t);
  cluster.api.store.putService('prod', external('old.example.com'));
  cluster.dns.say('db', '192.0.2.1', 'db.prod.svc.cluster.local');
  cluster.dns.say('old.example.com.', '192.0.2.1', 'old.example.com');
  cluster.dns.say('new.example.com.', '192.0.2.2', 'new.example.com');
  const db = cluster.follow('db');
  await db.gets('192.0.2.1:80');
  await cluster.api.watched(1, 'service-watch');
  cluster.api.store.putService('prod', external('new.example.com'));
  await db.gets('192.0.2.2:80');
  assert.deepEqual(cluster.dns.followed, ['new.example.com.']);
});

test('a Service that becomes an alias is left, though its slices stay; one that is none any more is used again', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  await cluster.api.watched(1, 'service-watch');
  cluster.dns.say('orders', '192.0.2.1', 'orders.prod.svc.cluster.local');
  cluster.dns.say('orders.example.com.', '192.0.2.2', 'orders.example.com');
  const spec = { type: 'ExternalName', externalName: 'orders.example.com' };
  cluster.api.store.putService('prod', serviceNamed('orders', spec));
  await orders.gets('192.0.2.2:80');
  cluster.api.store.putService('prod', serviceNamed('orders'));
  await orders.gets(POD);
  assert.deepEqual(orders.texts, [CLUSTER_IP, POD, '192.0.2.2:80', POD]);
  await settled();
  assert.deepEqual(cluster.dns.followed, []);
});

test('where an alias leads nowhere, the DNS of the name itself is used, until it leads somewhere', async (t) => {
  const cluster = await start(t);
  cluster.api.store.putService('prod', external('db.example.com'));
  cluster.dns.say('db', '192.0.2.1', 'db.prod.svc.cluster.local');
  cluster.dns.say('db.example.com.', '192.0.2.2', 'db.example.com');
  const db = cluster.follow('db');
  await db.gets('192.0.2.2:80');
  cluster.dns.fail('db.example.com.');
  await db.gets('192.0.2.1:80');
  cluster.dns.say('db.example.com.', '192.0.2.3', 'db.example.com');
  await db.gets('192.0.2.3:80');
  await settled();
  assert.deepEqual(cluster.dns.followed, ['db.example.com.']);
});

test('an alias that changes to a name that does not exist leaves its addresses for a while, and then nothing', async (t) => {
  const cluster = await start(t);
  cluster.api.store.putService('prod', external('old.example.com'));
  cluster.dns.say('db', '192.0.2.1', 'db.prod.svc.cluster.local');
  cluster.dns.say('old.example.com.', '192.0.2.1', 'old.example.com');
  const db = cluster.follow('db');
  await db.gets('192.0.2.1:80');
  await cluster.api.watched(1, 'service-watch');
  cluster.dns.fail('db');
  cluster.dns.fail('tpyo.example.com.');
  cluster.api.store.putService('prod', external('tpyo.example.com'));
  const last = await db.until((resolution) => 'withdrawn' in resolution);
  assert.equal(text(last), '192.0.2.1:80');
  await cluster.clock.pass(30_000);
  await db.gets('');
});

test('while changes of an alias do not arrive, the DNS of the name itself is followed, if it leads anywhere', async (t) => {
  const cluster = await start(t);
  cluster.api.store.putService('prod', external('db.example.com'));
  cluster.dns.say('db', '192.0.2.1', 'db.prod.svc.cluster.local');
  cluster.dns.say('db.example.com.', '192.0.2.2', 'db.example.com');
  const db = cluster.follow('db');
  await db.gets('192.0.2.2:80');
  await cluster.api.watched(1, 'service-watch');
  cluster.dns.fail('db');
  await cluster.api.stop();
  await cluster.clock.pass(800);
  await db.until((resolution) => 'error' in resolution);
  // Outside of the cluster only the alias is a name in DNS.
  cluster.dns.say('db.example.com.', '192.0.2.3', 'db.example.com');
  await db.gets('192.0.2.3:80');
  cluster.dns.say('db', '192.0.2.4', 'db.prod.svc.cluster.local');
  await db.gets('192.0.2.4:80');
  await settled();
  assert.deepEqual(cluster.dns.followed, ['db']);
});

test('an alias of a Service leads to its pods', async (t) => {
  const cluster = await start(t);
  const alias = { type: 'ExternalName', externalName: 'orders.prod.svc.cluster.local' };
  cluster.api.store.putService('prod', serviceNamed('shop', alias));
  cluster.dns.say('shop', '10.96.0.10', 'shop.prod.svc.cluster.local');
  cluster.dns.say('orders.prod.svc.cluster.local.', '10.96.0.10', 'orders.prod.svc.cluster.local');
  await cluster.follow('shop').gets(POD);
});

test('aliases that lead in a circle are an error', async (t) => {
  const cluster = await start(t);
  const full = 'ring.prod.svc.cluster.local';
  cluster.api.store.putService('prod', serviceNamed('ring', { type: 'ExternalName', externalName: full }));
  cluster.dns.say('ring', '10.96.0.20', full);
  cluster.dns.say(`${full}.`, '10.96.0.20', full);
  await cluster.follow('ring').until((resolution) => /lead from one to the next/.test(text(resolution)));
});

test('an IP address is what it says', async (t) => {
  const cluster = await start(t);
  cluster.dns.say('10.1.2.3', '10.1.2.3');
  cluster.dns.say('[fd00::1]', 'fd00::1');
  assert.equal(text(await cluster.follow('10.1.2.3').nth(1)), '10.1.2.3:80');
  assert.equal(text(await cluster.follow('[fd00::1]').nth(1)), 'fd00::1:80');
});

test('when it is stopped nothing is left', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow();
  await orders.gets(POD);
  orders.abort.abort();
  await orders.end();
  await cluster.api.left();
  assert.deepEqual(cluster.dns.followed, []);
  assert.equal(cluster.clock.pending, 0);
});

test('a resolver in place of DNS that has said all there is to say ends it', async (t) => {
  const cluster = await start(t);
  async function* once(): AsyncGenerator<Resolution> {
    yield { endpoints: [{ address: '10.1.2.3', port: 80 }], source: 'static' };
  }
  const { kubernetes, names, clock } = cluster;
  const resolver = autoResolver({ dns: once, kubernetes, names, wanted: false, negativeHold: 30_000, clock });
  const orders = cluster.follow('orders', resolver);
  await orders.end();
  assert.deepEqual(orders.texts, ['10.1.2.3:80']);
});

test('where Kubernetes is asked for, what DNS says is held back until it has spoken', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow('orders', cluster.resolver({ wanted: true }));
  await orders.gets(POD);
  assert.deepEqual(orders.texts, [POD]);
});

test('what is held back is used when Kubernetes cannot be asked, or takes too long', async (t) => {
  const refused = await start(t);
  refused.api.refuse = () => ({ status: 403 });
  const orders = refused.follow('orders', refused.resolver({ wanted: true }));
  await orders.gets(CLUSTER_IP);

  const slow = await start(t);
  slow.api.mute = true;
  const waiting = slow.follow('orders', slow.resolver({ wanted: true }));
  await slow.api.received('list');
  await settled();
  assert.deepEqual(waiting.texts, []);
  await slow.clock.pass(3_000);
  await waiting.gets(CLUSTER_IP);
});

test('where Kubernetes is asked for, a name that can only be a Service is none of DNS', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow('orders.prod.svc', cluster.resolver({ wanted: true }));
  await orders.gets(POD);
  assert.equal(cluster.dns.starts, 0);
});

test('where Kubernetes is asked for, a name that DNS does not know may be a Service', async (t) => {
  const cluster = await start(t);
  cluster.dns.fail('orders.prod');
  cluster.dns.fail('nothing.prod');
  const resolver = cluster.resolver({ wanted: true });
  const orders = cluster.follow('orders.prod', resolver);
  await orders.gets(POD);
  assert.deepEqual(orders.texts, [POD]);
  const nothing = cluster.follow('nothing.prod', resolver);
  await nothing.gets('error: getaddrinfo ENOTFOUND nothing.prod');
});

test('in a mesh a Service is dialled by its name, nothing is ejected, and the API is left alone', async (t) => {
  const cluster = await start(t);
  cluster.place.listen(15_001, 15_006);
  const resolver = cluster.resolverBesideMesh();
  const orders = cluster.follow('orders', resolver);
  assert.equal(endpointsOf(await orders.nth(1)).passive, true);
  assert.equal(text(await orders.nth(1)), CLUSTER_IP);

  cluster.dns.say('github.com', '192.0.2.1', 'github.com');
  const github = cluster.follow('github.com', resolver);
  assert.equal(endpointsOf(await github.nth(1)).passive, undefined);
  await settled();
  assert.equal(cluster.api.connections, 0);
  assert.deepEqual(
    cluster.warnings.map((warning) => warning.slice(0, 'EVENKEEL_MESH: Istio'.length)),
    ['EVENKEEL_MESH: Istio', 'EVENKEEL_MESH: Istio'],
  );
});

test('outside of a mesh nothing is different', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow('orders', cluster.resolverBesideMesh());
  await orders.gets(POD);
  assert.equal(endpointsOf(await orders.nth(1)).passive, undefined);
  assert.deepEqual(cluster.warnings, []);
});

test('a mesh whose proxy starts late takes over, and hands back when it is gone', async (t) => {
  const cluster = await start(t);
  const orders = cluster.follow('orders', cluster.resolverBesideMesh());
  await orders.gets(POD);
  cluster.place.listen(4_140, 4_143);
  await cluster.clock.pass(1_000);
  await orders.until((resolution) => endpointsOf(resolution).passive === true);
  cluster.place.listen();
  await cluster.clock.pass(2_000);
  await orders.gets(POD);
  assert.deepEqual(orders.texts, [CLUSTER_IP, POD, CLUSTER_IP, CLUSTER_IP, POD]);
  orders.abort.abort();
  await orders.end();
  await cluster.api.left();
  assert.equal(cluster.clock.pending, 0);
});

test('a service that is left while its last answer was still being used leaves no watch behind', async (t) => {
  for (const refuse of [() => undefined, () => ({ status: 403 })]) {
    const cluster = await start(t);
    cluster.api.refuse = refuse;
    const resolver = cluster.resolverBesideMesh();
    const target: ResolveTarget = { hostname: 'orders', port: 80, protocol: 'http:' };
    for (let cycle = 1; cycle <= 50; cycle++) {
      const abort = new AbortController();
      for await (const _ of resolver(target, abort.signal)) {
        // Nobody asks for the next resolution from here on, as when a service falls idle.
        await cluster.api.received('list', cycle);
        await settled();
        abort.abort();
      }
      for (let waited = 0; cluster.clock.pending > 0 && waited < 2_000; waited++) await sleep(1);
      assert.deepEqual([cycle, cluster.clock.pending, cluster.dns.followed], [cycle, 0, []]);
    }
    // All connections: those of watches too.
    await cluster.api.left();
  }
});
