// When 3 pods become 6, each client reaches the new ones as soon as DNS or the API server says so.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { NAME, startCluster, writeKubeconfig } from '../../../cli/setup.ts';
import { podAt, sliceOf } from '../../../support/api-objects.ts';
import { startDnsServer } from '../../../support/dns-server.ts';
import { type Pod, startPods } from '../../../support/pods.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { ADAPTERS } from './adapters.ts';
import type { Result, Setting } from './scaled-process.ts';

const PROCESS = new URL('scaled-process.ts', import.meta.url);
const CLIENTS = Object.keys(ADAPTERS).filter((name) => name !== 'ws');
/** Seconds. */
const TTL = 1;
/** Milliseconds. An answer of DNS counts for its TTL. */
const BY_DNS = TTL * 1_000 + 1_000;
/** A watch tells at once. One client takes 50 ms; here they are all in one process, on a machine that does other things too. */
const BY_API = 1_000;

for (const way of ['by hand', 'preloaded'] as const) {
  test(`${way}, each client reaches new pods within a second after the TTL of DNS`, async (t) => {
    const [dns, pods] = await Promise.all([startDnsServer(t), startPods(t, 6)]);
    const addresses = pods.map(({ address }) => address);
    dns.set('orders.prod', addresses.slice(0, 3), { ttl: TTL });
    const clients = startClients(t, pods, {
      setting: { way, origin: `http://orders.prod:${pods[0]!.port}`, clients: CLIENTS, pods: 6 },
      env: { EVENKEEL_DNS_SERVERS: dns.address },
    });
    await clients.reachFirst();
    await clients.scale(() => dns.set('orders.prod', addresses, { ttl: TTL }), BY_DNS);
  });

  test(`${way}, each client reaches new pods as soon as their EndpointSlice is there`, async (t) => {
    const { api, dns, pods, port } = await startCluster(t, { pods: 6 });
    const put = (some: readonly Pod[]) =>
      api.store.putSlice(
        'prod',
        sliceOf(
          'orders',
          'a',
          some.map(({ address }) => podAt(address)),
          { ports: { '': port } },
        ),
      );
    put(pods.slice(0, 3));
    const clients = startClients(t, pods, {
      setting: { way, origin: `http://${NAME}:${port}`, clients: CLIENTS, pods: 6 },
      env: {
        EVENKEEL_DNS_SERVERS: dns.address,
        EVENKEEL_KUBERNETES_KUBECONFIG: writeKubeconfig(api),
        EVENKEEL_KUBERNETES_CLUSTER_DOMAIN: 'cluster.local',
      },
    });
    await clients.reachFirst();
    await api.watched();
    await clients.scale(() => put(pods), BY_API);
  });
}

interface Start {
  readonly setting: Setting;
  readonly env: Record<string, string>;
}

/** Clients that call a service of the first three pods. */
function startClients(t: TestContext, pods: readonly Pod[], { setting, env }: Start) {
  const arrivals = new Arrivals(pods);
  const child = fork(PROCESS, [JSON.stringify(setting)], {
    env: { ...process.env, ...env, NODE_NO_WARNINGS: '1' },
  });
  t.after(() => child.kill());
  const running = startStopwatch();
  const known = pods.slice(0, 3);
  const added = pods.slice(3);

  const reachFirst = () =>
    arrivals.until(() => CLIENTS.every((client) => arrivals.reached(client, known).length === 3));

  /** Has the others be there too: all of them are to be reached within `bar` milliseconds, and each client is to reach one. */
  async function scale(tell: () => void, bar: number): Promise<void> {
    const [toldAt, from] = [performance.now(), running()];
    child.send('scaled');
    tell();
    await arrivals.until(() => CLIENTS.every((client) => arrivals.reached(client, added).length > 0));
    await arrivals.until(() => added.every((pod) => arrivals.firstAt(pod) !== undefined));
    const here = running() - from;
    child.send('stop');
    const [{ failures, knownAt, ran }] = (await once(child, 'message')) as [Result];
    const late = Math.min(here, ran);
    const after = (time: number) => (time - toldAt).toFixed(0);
    const [last] = CLIENTS.toSorted(
      (one, other) => arrivals.since(other, added) - arrivals.since(one, added),
    );
    t.diagnostic(
      [
        `all pods are known after ${after(knownAt - performance.timeOrigin)} ms`,
        `each new one has its first request after ${added.map((pod) => after(arrivals.firstAt(pod)!))}`,
        `all clients have reached one after ${late.toFixed(0)} for which this ran, ${last} last`,
      ].join('; '),
    );
    assert.ok(late <= bar, `${late} ms`);
    assert.deepEqual(failures, []);
  }
  return { reachFirst, scale };
}

/** Which clients' requests have come to which pods. A client's name is the path. */
class Arrivals {
  readonly #seen = new Map<Pod, Map<string, number>>();
  #look: () => void = () => {};

  constructor(pods: readonly Pod[]) {
    for (const pod of pods) {
      const seen = new Map<string, number>();
      this.#seen.set(pod, seen);
      const { respond } = pod;
      pod.respond = (request, response) => {
        const client = decodeURIComponent(request.url!.slice(1));
        if (!seen.has(client)) seen.set(client, performance.now());
        this.#look();
        respond(request, response);
      };
    }
  }

  reached(client: string, pods: readonly Pod[]): Pod[] {
    return pods.filter((pod) => this.#seen.get(pod)!.has(client));
  }

  /** When a client first reached one of these. */
  since(client: string, pods: readonly Pod[]): number {
    return Math.min(...pods.map((pod) => this.#seen.get(pod)!.get(client) ?? Number.POSITIVE_INFINITY));
  }

  firstAt(pod: Pod): number | undefined {
    const [first] = this.#seen.get(pod)!.values();
    return first;
  }

  /** Resolves once that holds. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (holds()) resolve();
      };
      this.#look();
    });
  }
}
