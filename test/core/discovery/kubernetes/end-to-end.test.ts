import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../../src/core/base/clock.ts';
import { clusterResolver } from '../../../../src/core/discovery/cluster.ts';
import type { ServiceObject } from '../../../../src/core/discovery/kubernetes/service-spec.ts';
import type { Resolver } from '../../../../src/core/discovery/resolver.ts';
import { transportFor } from '../../../../src/transports/kubernetes-api/transport.ts';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { leaving, type PodFacts, podAt, serviceNamed, sliceOf } from '../../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../../support/api-server.ts';
import { nextAddress, type Pod, startPod } from '../../../support/pods.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { NO_SETTINGS, placeIn, type TestPlace, WatchedClock } from './setup.ts';

/** A cluster with a Service `orders`, a server at its ClusterIP, and an app in it. */
class Cluster {
  readonly api: ApiServer;
  readonly place: TestPlace;
  readonly clusterIP: Pod;
  readonly agent: BalancedAgent;
  readonly origin: string;
  readonly warnings: string[] = [];
  /** Addresses of names outside the cluster, by name. */
  readonly outside = new Map<string, string>();

  constructor(t: TestContext, api: ApiServer, clusterIP: Pod, clock: Clock) {
    this.api = api;
    this.clusterIP = clusterIP;
    this.place = placeIn(t, api);
    this.origin = `http://orders:${clusterIP.port}`;
    this.agent = new BalancedAgent({ discovery: this.#resolver(clock) });
    t.after(() => this.agent.destroy());
    const note = (warning: Error & { code?: string }) => this.warnings.push(warning.code ?? '');
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    this.define();
  }

  /** What the Service is, apart from its ClusterIP and port. */
  define(spec: ServiceObject['spec'] = {}, annotations: Record<string, string> = {}): void {
    const { address, port } = this.clusterIP;
    const ports = [{ port, protocol: 'TCP' }];
    const service = serviceNamed('orders', { clusterIP: address, ports, ...spec }, annotations);
    this.api.store.putService('prod', service);
  }

  /** Has a pod in a slice of its own. */
  put(pod: Pod, facts?: PodFacts): void {
    this.#put(pod, podAt(pod.address, facts));
  }

  terminate(pod: Pod): void {
    this.#put(pod, leaving(pod.address));
  }

  remove(pod: Pod): void {
    this.api.store.removeSlice('prod', pod.address);
  }

  /** Calls the app's Service, and returns the address that answered. */
  async call(path = '/'): Promise<string> {
    const response = await this.agent.request({ origin: this.origin, path, method: 'GET' });
    return response.body.text();
  }

  /** Calls until the pods serve, and the ClusterIP no longer does. */
  async seesPods(): Promise<void> {
    do await this.call();
    while (this.source !== 'endpointslices');
    await this.api.watched();
    await this.clusterIP.allClosed();
  }

  get source(): string | undefined {
    return this.agent.stats[this.origin]?.discovery?.source;
  }

  #put(pod: Pod, endpoint: ReturnType<typeof podAt>): void {
    const slice = sliceOf('orders', pod.address, [endpoint], { ports: { '': pod.port } });
    this.api.store.putSlice('prod', slice);
  }

  #resolver(clock: Clock): Resolver {
    const { address, port } = this.clusterIP;
    const matchedName = 'orders.prod.svc.cluster.local';
    const outside = this.outside;
    const dns: Resolver = async function* ({ hostname }, signal) {
      const elsewhere = outside.get(hostname);
      if (elsewhere !== undefined) yield { endpoints: [{ address: elsewhere, port }], source: 'dns' };
      else yield { endpoints: [{ address, port }], source: 'dns', matchedName, virtual: true };
      if (!signal.aborted) await once(signal, 'abort');
    };
    const settings = {
      discovery: 'auto',
      mesh: 'auto',
      dns: { servers: undefined, minTtl: 1_000, maxTtl: 30_000, family: 'auto', negativeHold: 30_000 },
      kubernetes: NO_SETTINGS,
      clock,
      random: () => 0,
    } as const;
    return (target, signal) => clusterResolver(dns, settings, this.place, transportFor)(target, signal);
  }
}

/** Calls of the app, four at a time, without a pause for long, until stopped. */
class Load {
  readonly answers = new Map<string, number>();
  readonly failures: unknown[] = [];
  readonly #cluster: Cluster;
  readonly #workers: Promise<unknown>;
  #stopped = false;

  constructor(t: TestContext, cluster: Cluster) {
    this.#cluster = cluster;
    t.after(() => {
      this.#stopped = true;
    });
    this.#workers = Promise.all(Array.from({ length: 4 }, () => this.#work()));
  }

  /** Resolves after that many answers more. */
  async runs(count: number): Promise<void> {
    const goal = this.total + count;
    while (this.total < goal && this.failures.length === 0) await sleep(5);
  }

  get total(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#workers;
    assert.deepEqual(this.failures, []);
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      try {
        const pod = await this.#cluster.call();
        this.answers.set(pod, (this.answers.get(pod) ?? 0) + 1);
      } catch (error) {
        this.failures.push(error);
      }
      await sleep(2);
    }
  }
}

async function start(t: TestContext, clock: Clock = systemClock): Promise<Cluster> {
  return new Cluster(t, await startApiServer(t), await startPod(t), clock);
}

describe('while a cluster changes', { concurrency: 3 }, () => {
  test('a pod that becomes ready under load is used at once, and takes its fair share', async (t) => {
    const cluster = await start(t);
    const [first, second, third] = [await startPod(t), await startPod(t), await startPod(t)];
    cluster.put(first);
    cluster.put(second);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    await load.runs(100);

    const watch = startStopwatch();
    cluster.put(third);
    await third.received('/');
    const delay = watch();
    load.answers.clear();
    await load.runs(600);
    await load.stop();
    // Some milliseconds on a machine with nothing else to do.
    assert.ok(delay < 1_000, `${delay} ms`);
    for (const pod of [first, second, third]) {
      const share = (load.answers.get(pod.address) ?? 0) / load.total;
      assert.ok(Math.abs(share - 1 / 3) < 0.05, String(share));
    }
  });

  test('a pod that terminates under load gets no request any more, and finishes what it has', async (t) => {
    const cluster = await start(t);
    const [stays, leaves] = [await startPod(t), await startPod(t)];
    cluster.put(stays);
    cluster.put(leaves);
    await cluster.seesPods();
    // Both have a slow request, for each takes the one that the other has not.
    const slow = [cluster.call('/slow'), cluster.call('/slow')];
    await Promise.all([stays.received('/slow'), leaves.received('/slow')]);
    const load = new Load(t, cluster);
    await load.runs(100);

    cluster.terminate(leaves);
    while (endpoints(cluster) > 1) await sleep(1);
    // What was on its way has arrived by then.
    await load.runs(8);
    const { requests } = leaves;
    await load.runs(200);
    assert.equal(leaves.requests, requests);
    stays.release('/slow');
    leaves.release('/slow');
    assert.deepEqual((await Promise.all(slow)).toSorted(), [stays.address, leaves.address].toSorted());
    await load.stop();
    await leaves.allClosed();
  });

  test('a rollout, pod by pod, fails no request', async (t) => {
    const cluster = await start(t);
    const old = [await startPod(t), await startPod(t), await startPod(t)];
    for (const pod of old) cluster.put(pod);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    await load.runs(50);
    for (const pod of old) {
      const young = await startPod(t);
      cluster.put(young);
      await young.received('/');
      cluster.terminate(pod);
      await load.runs(50);
      cluster.remove(pod);
      await pod.allClosed();
      await pod.kill();
    }
    await load.runs(50);
    await load.stop();
  });

  test('the API server is away for a minute, and traffic goes on', async (t) => {
    const clock = new WatchedClock({ passes: 50 });
    const cluster = await start(t, clock);
    const [first, second] = [await startPod(t), await startPod(t)];
    cluster.put(first);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    await cluster.api.stop();
    for (let away = 0; away < 60_000; ) {
      away += await clock.pass(800, 10_000);
      await load.runs(10);
    }
    cluster.put(second);
    cluster.api.store.forgetHistory();
    await cluster.api.start();
    assert.ok((await clock.passUntil(() => second.paths.length > 0)) < 30_000);
    await load.stop();
  });

  test('a pod that has the address of one that is gone is dialled anew', async (t) => {
    const cluster = await start(t);
    const address = nextAddress();
    const pod = await startPod(t, { address });
    cluster.put(pod, { uid: 'old' });
    await cluster.seesPods();
    await cluster.call();
    const { length } = pod.connections;
    cluster.put(pod, { uid: 'new' });
    while (pod.connections.length === length) await cluster.call();
  });

  test('slices that show no pod, while the ClusterIP serves, cost no request', async (t) => {
    const cluster = await start(t);
    const [first, second] = [await startPod(t), await startPod(t)];
    cluster.put(first);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    await load.runs(50);
    cluster.remove(first);
    while (cluster.source !== 'clusterip' && load.failures.length === 0) await load.runs(1);
    await load.runs(50);
    assert.deepEqual(load.failures, []);
    cluster.put(second);
    await second.received('/');
    await load.runs(50);
    assert.equal(cluster.source, 'endpointslices');
    await load.stop();
  });

  test('a Service without pods, whose ClusterIP refuses connections too, serves its callers as soon as it has one', async (t) => {
    const cluster = await start(t);
    const [first, second] = [await startPod(t), await startPod(t)];
    cluster.put(first);
    await cluster.seesPods();
    await cluster.clusterIP.kill();
    cluster.remove(first);
    await first.allClosed();
    const calls = [cluster.call(), cluster.call()];
    await sleep(600);
    calls.push(cluster.call());
    cluster.put(second);
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([second.address]));
  });

  test('a Service that is edited under load sends nothing to what it led to, a second later', async (t) => {
    const cluster = await start(t);
    const { port } = cluster.clusterIP;
    const [pod, ...targets] = [await startPod(t), await startPod(t, { port }), await startPod(t, { port })];
    for (const [index, { address }] of targets.entries())
      cluster.outside.set(`${index}.example.com.`, address);
    cluster.put(pod!);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    // Its slices stay, as the controller leaves them.
    for (const [index, { address }] of targets.entries()) {
      await load.runs(50);
      cluster.define({ type: 'ExternalName', externalName: `${index}.example.com` });
      await sleep(1_000);
      load.answers.clear();
      await load.runs(100);
      assert.deepEqual([...load.answers.keys()], [address]);
    }
    cluster.define();
    await sleep(1_000);
    load.answers.clear();
    await load.runs(100);
    assert.deepEqual([...load.answers.keys()], [pod!.address]);
    await load.stop();
  });

  test('a Service that is replaced under load fails no request, and a second later only its new pods serve', async (t) => {
    const cluster = await start(t);
    const [old, young] = [await startPod(t), await startPod(t)];
    cluster.put(old);
    await cluster.seesPods();
    const load = new Load(t, cluster);
    await load.runs(50);
    const { store } = cluster.api;
    store.removeSlice('prod', old.address);
    const facts = (pod: Pod) => ({
      owner: store.service('prod', 'orders')?.metadata?.uid,
      ports: { '': pod.port },
    });
    const slice = (pod: Pod) => sliceOf('orders', pod.address, [podAt(pod.address)], facts(pod));
    store.putSlice('prod', slice(old));
    await load.runs(50);
    store.removeService('prod', 'orders');
    cluster.define();
    store.putSlice('prod', slice(young));
    await sleep(1_000);
    load.answers.clear();
    await load.runs(100);
    // The old slice is still there.
    assert.deepEqual([...load.answers.keys()], [young.address]);
    await load.stop();
  });
});

// Warnings are the process's: one at a time.
test('without rights the ClusterIP serves, and one warning says what to do', async (t) => {
  const cluster = await start(t);
  const pod = await startPod(t);
  cluster.put(pod);
  cluster.api.refuse = () => ({ status: 403 });
  const load = new Load(t, cluster);
  await cluster.api.received('list');
  await load.runs(100);
  await load.stop();
  assert.equal(load.answers.get(cluster.clusterIP.address), load.total);
  assert.deepEqual(cluster.warnings, ['EVENKEEL_KUBERNETES_FORBIDDEN']);
  assert.equal(pod.connections.length, 0);
});

test('beside the proxy of a mesh only the name is dialled, and one warning says so', async (t) => {
  for (const ports of [
    [15_001, 15_006],
    [4_140, 4_143],
  ]) {
    const cluster = await start(t);
    const pod = await startPod(t);
    cluster.put(pod);
    cluster.place.listen(...ports);
    const load = new Load(t, cluster);
    await load.runs(100);
    await load.stop();
    assert.equal(pod.connections.length, 0);
    assert.equal(cluster.api.connections, 0);
    assert.equal(load.answers.get(cluster.clusterIP.address), load.total);
    assert.deepEqual(cluster.warnings, ['EVENKEEL_MESH']);
  }
});

test('pods that cannot be reached while the ClusterIP can cost no request', async (t) => {
  const cluster = await start(t);
  const [gone, lost] = [await startPod(t), await startPod(t)];
  cluster.put(gone);
  cluster.put(lost);
  await Promise.all([gone.kill(), lost.kill()]);
  const load = new Load(t, cluster);
  while (cluster.source !== 'clusterip') await load.runs(1);
  await load.runs(100);
  await load.stop();
  assert.equal(load.answers.get(cluster.clusterIP.address), load.total);
  assert.deepEqual(cluster.warnings, ['EVENKEEL_PODS_UNREACHABLE']);
});

test('slices that bring back only pods that are gone cost no request', async (t) => {
  const cluster = await start(t);
  const [serves, ...gone] = [await startPod(t), await startPod(t), await startPod(t)];
  await Promise.all(gone.map((pod) => pod.kill()));
  cluster.put(serves!);
  await cluster.seesPods();
  const load = new Load(t, cluster);
  await load.runs(50);
  const endpointsOfGone = gone.map(({ address }) => podAt(address));
  const slice = sliceOf('orders', serves!.address, endpointsOfGone, { ports: { '': serves!.port } });
  cluster.api.store.putSlice('prod', slice);
  while (cluster.source !== 'clusterip' && load.failures.length === 0) await load.runs(1);
  await load.runs(100);
  await load.stop();
  assert.deepEqual(cluster.warnings, ['EVENKEEL_PODS_UNREACHABLE']);
});

test('with pods and ClusterIP all gone, requests fail at once, as with a stock client', async (t) => {
  const cluster = await start(t);
  const pods = [await startPod(t), await startPod(t)];
  for (const pod of pods) cluster.put(pod);
  await cluster.seesPods();
  await Promise.all([cluster.clusterIP.kill(), ...pods.map((pod) => pod.kill())]);
  const watch = startStopwatch();
  for (let n = 0; n < 5; n++) await assert.rejects(cluster.call(), { code: 'ECONNREFUSED' });
  assert.ok(watch() < 2_500, 'much less than the 5 s that a request waits for an endpoint');
});

for (const [what, spec, code] of [
  ['is local, when the own node is not known', { internalTrafficPolicy: 'Local' }, 'EVENKEEL_NODE_UNKNOWN'],
  ['lacks the port', { ports: [{ port: 1 }] }, 'EVENKEEL_PORT_UNKNOWN'],
] as const) {
  test(`a Service that ${what} is left to its ClusterIP, with one warning`, async (t) => {
    const cluster = await start(t);
    const pod = await startPod(t);
    cluster.put(pod);
    cluster.define(spec);
    const load = new Load(t, cluster);
    while (cluster.source !== 'clusterip') await load.runs(1);
    await load.runs(100);
    await load.stop();
    assert.equal(load.answers.get(cluster.clusterIP.address), load.total);
    assert.equal(pod.connections.length, 0);
    assert.deepEqual(cluster.warnings, [code]);
  });
}

test('an API server that is restarted, and refuses everything for half a minute, costs nothing', async (t) => {
  const clock = new WatchedClock({ passes: 50 });
  const cluster = await start(t, clock);
  const [first, second] = [await startPod(t), await startPod(t)];
  cluster.put(first);
  await cluster.seesPods();
  const load = new Load(t, cluster);
  await cluster.api.stop();
  await clock.pass(800);
  await cluster.api.start();
  const before = cluster.api.requests.length;
  // With the last pause, and those that pass by themselves: after half a minute a list is due.
  for (let refused = 0; refused < 24_000; ) {
    const status = refused < 15_000 ? 403 : 503;
    cluster.api.refuse = () => ({ status });
    refused += await clock.pass(800, 4_300);
    await load.runs(10);
    assert.equal(cluster.source, 'endpointslices');
  }
  const meanwhile = cluster.api.requests.slice(before);
  assert.ok(meanwhile.length <= 12, `${meanwhile.length} requests to the API server`);
  assert.deepEqual(
    meanwhile.filter(({ kind }) => kind === 'list'),
    [],
  );
  cluster.api.refuse = () => undefined;
  cluster.put(second);
  clock.advance(5_000);
  await second.received('/');
  await load.stop();
  assert.equal(load.answers.get(cluster.clusterIP.address), undefined);
  assert.deepEqual(cluster.warnings, []);
});

function endpoints(cluster: Cluster): number {
  const states = cluster.agent.stats[cluster.origin]?.endpoints ?? [];
  return states.filter(({ state }) => state !== 'draining').length;
}
