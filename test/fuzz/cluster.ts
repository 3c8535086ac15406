// Services and slices that are edited while calls run: whom kube-proxy serves is served, and pods and targets that a
// Service no longer has get nothing a moment later.
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/core/base/clock.ts';
import { clusterResolver } from '../../src/core/discovery/cluster.ts';
import type { Resolver } from '../../src/core/discovery/resolver.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { NO_SETTINGS, placeIn } from '../core/discovery/kubernetes/setup.ts';
import { leaving, podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { Dice } from './dice.ts';
import type { DiscoveryFinding } from './discovery.ts';

/** Milliseconds between calls. */
const EVERY = 10;
/** Milliseconds after which an edit has to have been followed, on a busy machine too. */
const FOLLOWED = 2_000;
const PODS = 4;

type Edit =
  | { readonly does: 'add' | 'remove' | 'terminate'; readonly pod: number }
  /** `kubectl replace --force`: the Service is another one, and its slices are made anew. */
  | { readonly does: 'recreate' }
  /** The Service becomes an alias, while its slices stay; or a Service again. */
  | { readonly does: 'alias' }
  | { readonly does: 'unalias' }
  | { readonly does: 'refuse'; readonly status: number; readonly milliseconds: number };

export interface ClusterScenario {
  readonly seed: number;
  readonly edits: readonly { readonly edit: Edit; readonly wait: number }[];
}

export function generateCluster(seed: number): ClusterScenario {
  const dice = new Dice(seed);
  const edits = Array.from({ length: dice.int(3, 10) }, () => {
    const does = dice.pick([
      'add',
      'add',
      'remove',
      'remove',
      'terminate',
      'recreate',
      'alias',
      'unalias',
      'refuse',
    ] as const);
    const pod = dice.int(0, PODS - 1);
    const refusal = { status: dice.pick([403, 429, 503]), milliseconds: dice.int(100, 1_500) };
    return { edit: { does, pod, ...refusal } as Edit, wait: dice.pick([0, 20, 100, 400]) };
  });
  return { seed, edits };
}

class ClusterPlay {
  readonly #scenario: ClusterScenario;
  readonly #cleanUps: (() => unknown)[] = [];
  /** The little that helpers of tests need of one. */
  readonly #t = { after: (fn: () => unknown) => this.#cleanUps.push(fn) } as unknown as TestContext;
  readonly #findings: DiscoveryFinding[] = [];
  #api!: ApiServer;
  /** Then the ClusterIP, and the target of the alias. */
  #pods: Pod[] = [];
  #clusterIP!: Pod;
  #target!: Pod;
  readonly #present = new Set<number>([0, 1]);
  #isAlias = false;
  /** When whoever is there now was last changed. */
  #editedAt = 0;
  requests = 0;

  constructor(scenario: ClusterScenario) {
    this.#scenario = scenario;
  }

  async play(): Promise<DiscoveryFinding[]> {
    try {
      await this.#play();
      return this.#findings;
    } finally {
      for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
    }
  }

  async #play(): Promise<void> {
    this.#api = await startApiServer(this.#t);
    const all = await startPods(this.#t, PODS + 2);
    this.#pods = all.slice(0, PODS);
    [this.#clusterIP, this.#target] = all.slice(PODS) as [Pod, Pod];
    this.#define();
    for (const pod of this.#present) this.#put(pod);
    const agent = new BalancedAgent({ discovery: this.#resolver() });
    this.#t.after(() => agent.destroy());
    let over = false;
    const load = Promise.all(
      Array.from({ length: 3 }, async () => {
        while (!over) {
          await this.#call(agent);
          await sleep(EVERY);
        }
      }),
    );
    await sleep(500);
    for (const { edit, wait } of this.#scenario.edits) {
      this.#do(edit);
      await sleep(wait);
    }
    await sleep(FOLLOWED + 800);
    over = true;
    await load;
  }

  #define(): void {
    const { address, port } = this.#clusterIP;
    const ports = [{ port, protocol: 'TCP' }];
    const spec = this.#isAlias
      ? { type: 'ExternalName', externalName: 'elsewhere.example' }
      : { clusterIP: address, ports };
    this.#api.store.putService('prod', serviceNamed('orders', spec));
  }

  #put(pod: number, isLeaving = false): void {
    const { address, port } = this.#pods[pod]!;
    const endpoint = isLeaving ? leaving(address) : podAt(address);
    this.#api.store.putSlice('prod', sliceOf('orders', address, [endpoint], { ports: { '': port } }));
  }

  #do(edit: Edit): void {
    const present = this.#present;
    if (edit.does === 'refuse') {
      this.#api.refuse = () => ({ status: edit.status });
      setTimeout(() => {
        this.#api.refuse = () => undefined;
      }, edit.milliseconds);
      // Until it is well again, nobody can know of an edit.
      this.#editedAt = performance.now() + edit.milliseconds + FOLLOWED;
      return;
    }
    this.#editedAt = Math.max(this.#editedAt, performance.now());
    if (edit.does === 'recreate') {
      this.#api.store.removeService('prod', 'orders');
      for (const pod of present) this.#api.store.removeSlice('prod', this.#pods[pod]!.address);
      this.#define();
      for (const pod of present) this.#put(pod);
    } else if (edit.does === 'alias' || edit.does === 'unalias') {
      this.#isAlias = edit.does === 'alias';
      this.#define();
    } else if (edit.does === 'add') {
      present.add(edit.pod);
      this.#put(edit.pod);
    } else if (present.size > 1 && present.delete(edit.pod)) {
      if (edit.does === 'terminate') this.#put(edit.pod, true);
      else this.#api.store.removeSlice('prod', this.#pods[edit.pod]!.address);
    }
  }

  #resolver(): Resolver {
    const { address, port } = this.#clusterIP;
    const matchedName = 'orders.prod.svc.cluster.local';
    const dns: Resolver = async function* (
      this: ClusterPlay,
      { hostname }: { hostname: string },
      signal: AbortSignal,
    ) {
      if (hostname === 'elsewhere.example.') {
        yield { endpoints: [{ address: this.#target.address, port: this.#target.port }], source: 'dns' };
      } else {
        yield { endpoints: [{ address, port }], source: 'dns', matchedName, virtual: true };
      }
      if (!signal.aborted) await once(signal, 'abort');
    }.bind(this) as Resolver;
    const settings = {
      discovery: 'auto',
      mesh: 'auto',
      dns: { servers: undefined, minTtl: 1_000, maxTtl: 30_000, family: 'auto', negativeHold: 30_000 },
      kubernetes: NO_SETTINGS,
      clock: systemClock,
      random: Math.random,
    } as const;
    const place = placeIn(this.#t, this.#api);
    return (target, signal) => clusterResolver(dns, settings, place)(target, signal);
  }

  async #call(agent: BalancedAgent): Promise<void> {
    const at = performance.now();
    this.requests++;
    try {
      const origin = `http://orders:${this.#clusterIP.port}`;
      const { body } = await agent.request({ origin, path: '/', method: 'GET' });
      const served = await body.text();
      if (at - this.#editedAt > FOLLOWED) this.#judge(served);
    } catch (error) {
      this.#say('unserved', `kube-proxy serves, ours: ${error}`);
    }
  }

  /** Who served a call that came long after the last edit. */
  #judge(served: string): void {
    if (served === this.#target.address) {
      if (!this.#isAlias)
        this.#say('left behind', 'the target of an alias that is none any more gets requests');
      return;
    }
    if (this.#isAlias) this.#say('left behind', 'who was there before an alias gets requests');
    else if (
      served !== this.#clusterIP.address &&
      ![...this.#present].some((n) => this.#pods[n]!.address === served)
    )
      this.#say('left behind', 'a pod that has left gets requests');
  }

  #say(kind: DiscoveryFinding['kind'], text: string): void {
    if (!this.#findings.some((finding) => finding.kind === kind)) this.#findings.push({ kind, text });
  }
}

export async function playCluster(
  scenario: ClusterScenario,
): Promise<{ findings: DiscoveryFinding[]; requests: number }> {
  const play = new ClusterPlay(scenario);
  return { findings: await play.play(), requests: play.requests };
}
