// Services and slices that are edited while calls run: whom kube-proxy serves is served, and pods and targets that a
// Service no longer has get nothing a moment later.
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/core/base/clock.ts';
import { clusterResolver } from '../../src/core/discovery/cluster.ts';
import type { Resolver } from '../../src/core/discovery/resolver.ts';
import { transportFor } from '../../src/transports/kubernetes-api/transport.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { NO_SETTINGS, placeIn } from '../core/discovery/kubernetes/setup.ts';
import { leaving, podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { type ApiServer, type RequestKind, startApiServer } from '../support/api-server.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { Dice } from './dice.ts';
import type { DiscoveryFinding } from './discovery.ts';

/** Milliseconds between calls. */
const EVERY = 10;
/** Milliseconds after which an edit has to have been followed, on a busy machine too. */
const FOLLOWED = 2_000;
const PODS = 4;

/** Milliseconds after which an API server that was started anew, and refused everything for a while, is asked again. */
const ASKED_AGAIN = 5_500;
/** Milliseconds for which a ClusterIP goes on being used once pods are known. */
const TAKEOVER = 1_500;
/** Milliseconds after which a name server that failed is asked again. */
const AGAIN = 100;
/** Pods that aliases lead to. */
const TARGETS = 2;

type Edit =
  | { readonly does: 'add' | 'remove' | 'terminate'; readonly pod: number }
  /** `kubectl replace --force`: the Service is another one, and its slices are made anew. */
  | { readonly does: 'recreate' }
  /** The same with other pods, while the slices of the one before are there for a while yet. */
  | { readonly does: 'supersede' }
  /** The Service becomes an alias of one of two targets, while its slices stay; or a Service again. */
  | { readonly does: 'alias'; readonly target: number }
  | { readonly does: 'unalias' }
  | { readonly does: 'refuse'; readonly status: number; readonly milliseconds: number }
  /** Name servers answer no question that is new. */
  | { readonly does: 'silence'; readonly milliseconds: number };

const EDITS: readonly Edit['does'][] = [
  'add',
  'add',
  'remove',
  'remove',
  'terminate',
  'recreate',
  'alias',
  'unalias',
  'refuse',
];

export interface ClusterScenario {
  readonly seed: number;
  readonly edits: readonly { readonly edit: Edit; readonly wait: number }[];
}

/** What scenarios of a cluster may be about: edits. */
export const CLUSTER_THEMES: readonly string[] = [...new Set(EDITS), 'supersede', 'silence', 'forbidden'];

/** `focus`: the edits that there are; none: all. Or `forbidden`: a pod is removed while everything is refused with 403. */
export function generateCluster(seed: number, focus: readonly string[] = []): ClusterScenario {
  const dice = new Dice(seed);
  if (focus.includes('forbidden')) return forbidden(seed, dice);
  // With dice of its own, so that what other seeds bring about stays.
  const others = new Dice(seed ^ 0x7e3e);
  const outages = new Dice(seed ^ 0xd45);
  const chosen = CLUSTER_THEMES.filter((edit) => focus.includes(edit)) as readonly Edit['does'][];
  const edits = Array.from({ length: dice.int(3, 10) }, () => {
    let does = dice.pick(chosen.length > 0 ? chosen : EDITS);
    if (does === 'recreate' && chosen.length === 0 && others.chance(0.5)) does = 'supersede';
    if (does === 'refuse' && chosen.length === 0 && outages.chance(0.5)) does = 'silence';
    const pod = dice.int(0, PODS - 1);
    const refusal = { status: dice.pick([403, 429, 503]), milliseconds: dice.int(100, 1_500) };
    const target = others.int(0, TARGETS - 1);
    return { edit: { does, pod, target, ...refusal } as Edit, wait: dice.pick([0, 20, 100, 400]) };
  });
  return { seed, edits };
}

function forbidden(seed: number, dice: Dice): ClusterScenario {
  const milliseconds = dice.int(800, 1_200);
  const edits: ClusterScenario['edits'] = [
    { edit: { does: 'refuse', status: 403, milliseconds }, wait: dice.int(20, 200) },
    { edit: { does: 'remove', pod: dice.int(0, 1) }, wait: 0 },
  ];
  return { seed, edits };
}

class ClusterPlay {
  readonly #scenario: ClusterScenario;
  readonly #cleanUps: (() => unknown)[] = [];
  /** The little that helpers of tests need of one. */
  readonly #t = { after: (fn: () => unknown) => this.#cleanUps.push(fn) } as unknown as TestContext;
  readonly #findings: DiscoveryFinding[] = [];
  #api!: ApiServer;
  #pods: Pod[] = [];
  #clusterIP!: Pod;
  #targets: Pod[] = [];
  readonly #present = new Set<number>([0, 1]);
  /** Which target the Service is an alias of, if it is one. */
  #alias: number | undefined;
  /** Times that there was another Service by this name, and the uid of the one there is. */
  #generation = 0;
  #uid = '';
  /** Names of slices that are there yet. */
  readonly #slices = new Map<number, string>();
  /** Since when it has been known which pods there are. */
  #knownAt: number | undefined;
  /** Until when name servers answer nothing. */
  #silentUntil = 0;
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
    const all = await startPods(this.#t, PODS + 1 + TARGETS);
    this.#pods = all.slice(0, PODS);
    this.#clusterIP = all[PODS]!;
    this.#targets = all.slice(PODS + 1);
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
    // A refusal says something else to those that have been allowed before.
    await this.#watched();
    await sleep(this.#isSteady ? FOLLOWED + TAKEOVER : 500);
    for (const { edit, wait } of this.#scenario.edits) {
      this.#do(edit);
      await sleep(wait);
    }
    await sleep(Math.max(this.#editedAt - performance.now(), 0) + FOLLOWED + 800);
    over = true;
    await load;
  }

  /** Resolves when the Service and its slices are watched, or after five seconds. */
  async #watched(): Promise<void> {
    const until = performance.now() + 5_000;
    const kinds: readonly RequestKind[] = ['watch', 'service-watch'];
    const isWatched = () => kinds.every((one) => this.#api.requests.some(({ kind }) => kind === one));
    while (!isWatched() && performance.now() < until) await sleep(EVERY);
  }

  #define(): void {
    const { address, port } = this.#clusterIP;
    const ports = [{ port, protocol: 'TCP' }];
    const spec =
      this.#alias === undefined
        ? { clusterIP: address, ports }
        : { type: 'ExternalName', externalName: `target-${this.#alias}.example` };
    this.#uid = this.#api.store.putService('prod', serviceNamed('orders', spec)).metadata?.uid ?? '';
  }

  #put(pod: number, isLeaving = false): void {
    const { address, port } = this.#pods[pod]!;
    const endpoint = isLeaving ? leaving(address) : podAt(address);
    const name = `${this.#generation}-${address}`;
    this.#slices.set(pod, name);
    this.#api.store.putSlice(
      'prod',
      sliceOf('orders', name, [endpoint], { ports: { '': port }, owner: this.#uid }),
    );
  }

  #removeSlice(pod: number): void {
    this.#api.store.removeSlice('prod', this.#slices.get(pod) ?? '');
  }

  #do(edit: Edit): void {
    const present = this.#present;
    if (edit.does === 'refuse') {
      this.#api.refuse = () => ({ status: edit.status });
      this.#api.breakWatches();
      setTimeout(() => {
        this.#api.refuse = () => undefined;
      }, edit.milliseconds);
      // Until it has been asked again, nobody can know of an edit.
      this.#editedAt = performance.now() + edit.milliseconds + ASKED_AGAIN;
      return;
    }
    this.#editedAt = Math.max(this.#editedAt, performance.now(), this.#silentUntil);
    if (edit.does === 'silence') {
      this.#silentUntil = performance.now() + edit.milliseconds;
      this.#editedAt = Math.max(this.#editedAt, this.#silentUntil);
    } else if (edit.does === 'recreate') {
      this.#api.store.removeService('prod', 'orders');
      for (const pod of present) this.#removeSlice(pod);
      this.#generation++;
      this.#define();
      for (const pod of present) this.#put(pod);
    } else if (edit.does === 'supersede') {
      this.#supersede();
    } else if (edit.does === 'alias' || edit.does === 'unalias') {
      this.#alias = edit.does === 'alias' ? edit.target : undefined;
      this.#define();
    } else if (edit.does === 'add') {
      present.add(edit.pod);
      this.#put(edit.pod);
    } else if (present.size > 1 && present.delete(edit.pod)) {
      if (edit.does === 'terminate') this.#put(edit.pod, true);
      else this.#removeSlice(edit.pod);
    }
  }

  /** A controller deletes what belongs to a Service that is no more, some time later. */
  #supersede(): void {
    const gone = [...this.#present].map((pod) => this.#slices.get(pod) ?? '');
    const others = this.#pods.flatMap((_, pod) => (this.#present.has(pod) ? [] : [pod]));
    this.#api.store.removeService('prod', 'orders');
    this.#generation++;
    this.#define();
    if (others.length > 0) {
      this.#present.clear();
      for (const pod of others) this.#present.add(pod);
    }
    for (const pod of this.#present) this.#put(pod);
    setTimeout(() => {
      for (const name of gone) this.#api.store.removeSlice('prod', name);
    }, 2 * FOLLOWED);
  }

  #resolver(): Resolver {
    const { address, port } = this.#clusterIP;
    const matchedName = 'orders.prod.svc.cluster.local';
    const dns: Resolver = async function* (
      this: ClusterPlay,
      { hostname }: { hostname: string },
      signal: AbortSignal,
    ) {
      while (performance.now() < this.#silentUntil) {
        const error = Object.assign(new Error(`queryA ESERVFAIL ${hostname}`), { code: 'ESERVFAIL' });
        yield { error, source: 'dns' };
        await sleep(AGAIN);
      }
      if (signal.aborted) return;
      const [, target] = /^target-(\d)/.exec(hostname) ?? [];
      if (target !== undefined) {
        yield { endpoints: [this.#targets[Number(target)]!.endpoint], source: 'dns' };
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
    return (target, signal) => clusterResolver(dns, settings, place, transportFor)(target, signal);
  }

  async #call(agent: BalancedAgent): Promise<void> {
    const at = performance.now();
    this.requests++;
    try {
      const origin = `http://orders:${this.#clusterIP.port}`;
      const { body } = await agent.request({ origin, path: '/', method: 'GET' });
      const served = await body.text();
      this.#judge(served, at);
    } catch (error) {
      this.#say('unserved', `kube-proxy serves, ours: ${error}`);
    }
  }

  /** Whether all that happens is that pods come and go, and that the API refuses for a moment. */
  get #isSteady(): boolean {
    const others: readonly Edit['does'][] = ['recreate', 'supersede', 'alias', 'unalias'];
    return !this.#scenario.edits.some(({ edit }) => others.includes(edit.does));
  }

  /** Who served a call. */
  #judge(served: string, at: number): void {
    const say = (text: string) => this.#say('left behind', text);
    if (served !== this.#clusterIP.address) this.#knownAt ??= at;
    else if (this.#isSteady && at - (this.#knownAt ?? at) > FOLLOWED + TAKEOVER)
      say('the pods of a Service are known, and its ClusterIP gets requests');
    // The rest is about calls that came long after the last edit.
    if (at - this.#editedAt < FOLLOWED) return;
    const target = this.#targets.findIndex(({ address }) => address === served);
    if (target >= 0) {
      if (target !== this.#alias) say('the target of an alias that is none any more gets requests');
      return;
    }
    if (this.#alias !== undefined) say('who was there before an alias gets requests');
    else if (
      served !== this.#clusterIP.address &&
      ![...this.#present].some((n) => this.#pods[n]!.address === served)
    )
      say('a pod that has left gets requests');
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
