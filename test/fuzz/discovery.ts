// Name servers that misbehave while calls run: what a stock Agent serves that resolves its name for each connection,
// BalancedAgent serves, and pods that a name no longer has get nothing once its TTL is over.
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { type Behaviour, type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { type FrozenPod, startFrozenPod } from '../support/frozen-pod.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { startStock } from '../support/stock-resolving.ts';
import { Dice } from './dice.ts';

const NAME = 'orders.fuzz';
/** Milliseconds between calls, and where stock keeps a question open for each. */
const EVERY = 25;
const SELDOM = 100;
/** Milliseconds after which a change of a name has to have been followed: its TTL of a second, a question, and the load of this machine. */
const FOLLOWED = 3_000;
/** Milliseconds by which a call may take longer than stock's: a second, and the load of this machine. */
const LATE = 1_500;
/** More addresses than fit into a datagram. */
const LONG = 40;

interface Phase {
  /** What each name server does. */
  readonly servers: readonly ('well' | Behaviour)[];
  /** The pods that the name has; none: it does not exist. */
  readonly pods: readonly number[];
  /** Pods that end as it begins. */
  readonly ends?: readonly number[];
  /** Whether nothing is called before it begins, and pods that can drop packets do so from then on. */
  readonly drops?: boolean;
  readonly milliseconds: number;
}

export interface DiscoveryScenario {
  readonly seed: number;
  readonly pods: number;
  readonly phases: readonly Phase[];
  /** Share of calls after which the pod closes the connection. */
  readonly closes: number;
  /** Seconds for which name servers say that their answers hold. */
  readonly ttl: number;
  /** Milliseconds between calls. */
  readonly every: number;
  /** How many more pods there are, before the others, that can drop packets. */
  readonly frozen?: number;
}

export interface DiscoveryFinding {
  readonly kind: 'unserved' | 'left behind' | 'slow';
  readonly text: string;
}

/** What scenarios of name servers may be about. */
export const DNS_THEMES = ['outage', 'replaced', 'withdrawn name', 'dropped'] as const;

/** `focus`: one of the themes, or anything. */
export function generateDiscovery(seed: number, focus: readonly string[] = []): DiscoveryScenario {
  const dice = new Dice(seed);
  const chosen = DNS_THEMES.filter((theme) => focus.includes(theme));
  // With dice of its own, so that what other seeds bring about stays.
  const themes = chosen.length > 0 ? chosen : new Dice(seed ^ 0x7e3e).chance(0.15) ? DNS_THEMES : [];
  if (themes.length > 0) {
    switch (dice.pick(themes)) {
      case 'outage':
        return outage(seed, dice, focus);
      case 'replaced':
        return replaced(seed, dice);
      case 'withdrawn name':
        return withdrawn(seed, dice);
      case 'dropped':
        return dropped(seed, dice);
    }
  }
  const pods = dice.chance(0.25) ? LONG : 4;
  const behaviours: readonly ('well' | Behaviour)[] = [
    'well',
    'well',
    { rcode: 'SERVFAIL' },
    { rcode: 'REFUSED' },
    'silent',
    { delay: 300 },
  ];
  const some = () => Array.from({ length: pods }, (_, n) => n).filter(() => dice.chance(0.6));
  const servers = dice.int(1, 3);
  const well: Phase = {
    servers: Array.from({ length: servers }, () => 'well'),
    pods: [0, 1],
    milliseconds: 500,
  };
  const phases = Array.from({ length: dice.int(1, 3) }, (): Phase[] => {
    const bad = Array.from({ length: servers }, () => dice.pick(behaviours));
    const left = dice.chance(0.2) ? [] : dice.chance(0.5) ? well.pods : some();
    return [{ servers: bad, pods: left, milliseconds: dice.int(300, 2_500) }];
  }).flat();
  const last = some();
  const end = { ...well, pods: last.length > 0 ? last : [1], milliseconds: FOLLOWED + 500 };
  return { seed, pods, phases: [well, ...phases, end], closes: dice.pick([0, 0.1, 1]), ttl: 1, every: EVERY };
}

/** Nothing is known yet, and name servers fail, or one of them does. */
function outage(seed: number, dice: Dice, focus: readonly string[]): DiscoveryScenario {
  const failing = (): Behaviour => ({ rcode: dice.pick(['SERVFAIL', 'REFUSED']) });
  const kinds: Record<string, readonly ('well' | Behaviour)[]> = {
    failing: [failing()],
    silent: ['silent'],
    half: [failing(), 'well'],
    late: [{ delay: 3_000 }],
  };
  const chosen = Object.keys(kinds).filter((kind) => focus.includes(kind));
  const kind = dice.pick(chosen.length > 0 ? chosen : Object.keys(kinds));
  const servers = kinds[kind]!;
  const pods = [0, 1];
  // Late servers are heard all the same, so that it is not for their recovery that a name is known.
  const bad: Phase = { servers, pods, milliseconds: dice.int(2_700, 3_400) + (kind === 'late' ? 4_000 : 0) };
  const well: Phase = { servers: servers.map(() => 'well'), pods, milliseconds: 3_000 };
  return { seed, pods: 2, phases: [bad, well], closes: dice.pick([0, 0.1, 1]), ttl: 1, every: SELDOM };
}

/** All pods are replaced long before answers lose their time. */
function replaced(seed: number, dice: Dice): DiscoveryScenario {
  const servers = ['well'] as const;
  const before: Phase = { servers, pods: [0, 1], milliseconds: dice.int(500, 1_000) };
  const after: Phase = { servers, pods: [2, 3], ends: [0, 1], milliseconds: 1_500 };
  return { seed, pods: 4, phases: [before, after], closes: dice.pick([0, 0.1]), ttl: 30, every: EVERY };
}

/** A name is gone for a while, in which connections end, or the pods with them. */
function withdrawn(seed: number, dice: Dice): DiscoveryScenario {
  const servers = ['well'] as const;
  const before: Phase = { servers, pods: [0, 1], milliseconds: 500 };
  const milliseconds = dice.int(2_000, 3_000);
  const back = dice.pick([
    [0, 1],
    [2, 3],
  ]);
  // Pods that live answer, and are used, though their name has gone.
  const ends = before.pods.filter((pod) => !back.includes(pod));
  const gone: Phase = { servers, pods: [], ends, milliseconds };
  const after: Phase = { servers, pods: back, milliseconds: FOLLOWED + 500 };
  return { seed, pods: 4, phases: [before, gone, after], closes: 1, ttl: 1, every: EVERY };
}

/** The same, but that no call is under way, as in a process that has slept, and the old pods drop packets. */
function dropped(seed: number, dice: Dice): DiscoveryScenario {
  const servers = ['well'] as const;
  const frozen = dice.int(1, 2);
  const pods = Array.from({ length: frozen }, (_, n) => n);
  const others = Array.from({ length: dice.int(1, 2) }, (_, n) => frozen + n);
  const before: Phase = { servers, pods, milliseconds: dice.int(500, 1_000) };
  const after: Phase = { servers, pods: others, drops: true, milliseconds: 3_500 };
  return { seed, pods: others.length, frozen, phases: [before, after], closes: 1, ttl: 30, every: EVERY };
}

interface Call {
  readonly at: number;
  readonly error: string;
  readonly took: number;
}

class DiscoveryPlay {
  readonly #scenario: DiscoveryScenario;
  readonly #cleanUps: (() => unknown)[] = [];
  /** The little that helpers of tests need of one. */
  readonly #t = { after: (fn: () => unknown) => this.#cleanUps.push(fn) } as unknown as TestContext;
  readonly #calls = { stock: [] as Call[], ours: [] as Call[] };
  /** When which pod got requests of ours. */
  readonly #got: { at: number; pod: number }[] = [];
  readonly #frozen: FrozenPod[] = [];
  /** When calls were begun. */
  readonly #begun: number[] = [];
  readonly #dice: Dice;

  constructor(scenario: DiscoveryScenario) {
    this.#scenario = scenario;
    this.#dice = new Dice(scenario.seed + 1);
  }

  get requests(): number {
    return this.#calls.ours.length;
  }

  async play(): Promise<DiscoveryFinding[]> {
    try {
      return await this.#play();
    } finally {
      for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
    }
  }

  async #play(): Promise<DiscoveryFinding[]> {
    const pods = await this.#startPods();
    const servers: DnsServer[] = [];
    for (const _ of this.#scenario.phases[0]!.servers) servers.push(await startDnsServer(this.#t));
    this.#begin(servers, pods, this.#scenario.phases[0]!);
    const addresses = servers.map(({ address }) => address);
    const ours = new BalancedAgent({ dns: { servers: addresses } });
    this.#t.after(() => ours.destroy());
    const stock = startStock(this.#t, addresses);
    const origin = `http://${NAME}:${pods[0]!.endpoint.port}`;
    let over = false;
    let rest: Promise<void> | undefined;
    const under = new Set<Promise<unknown>>();
    const load = (async () => {
      while (!over) {
        await rest;
        this.#begun.push(performance.now());
        for (const [client, calls] of [
          [stock, this.#calls.stock],
          [ours, this.#calls.ours],
        ] as const) {
          const call = this.#call(client, origin, client === ours).then((done) => calls.push(done));
          under.add(call);
          void call.then(() => under.delete(call));
        }
        await sleep(this.#scenario.every);
      }
    })();
    for (const phase of this.#scenario.phases) {
      const rested = Promise.withResolvers<void>();
      if (phase.drops) {
        rest = rested.promise;
        await Promise.all(under);
        await Promise.all(this.#frozen.map((pod) => pod.crowd()));
      }
      this.#begin(servers, pods, phase);
      rested.resolve();
      await sleep(phase.milliseconds);
    }
    const until = performance.now();
    over = true;
    await load;
    // Of those that pods swallow that drop packets, no answer is waited for.
    const patience = this.#frozen.length > 0 ? 5_000 : 15_000;
    await Promise.race([Promise.all(under), sleep(patience, undefined, { ref: false })]);
    return [...this.#unserved(), ...this.#late(), ...this.#leftBehind(until)];
  }

  /** All on one port. */
  async #startPods(): Promise<(Pod | FrozenPod)[]> {
    const { frozen = 0, pods: count } = this.#scenario;
    while (this.#frozen.length < frozen) {
      const port = this.#frozen[0]?.endpoint.port ?? 0;
      this.#frozen.push(await startFrozenPod(this.#t, { port, closes: true }));
    }
    const pods = await startPods(this.#t, count, { port: this.#frozen[0]?.endpoint.port ?? 0 });
    for (const [n, pod] of pods.entries()) this.#behave(pod, frozen + n);
    return [...this.#frozen, ...pods];
  }

  #behave(pod: Pod, n: number): void {
    pod.respond = (request, response) => {
      if (request.headers['x-ours']) this.#got.push({ at: performance.now(), pod: n });
      if (this.#dice.chance(this.#scenario.closes)) response.setHeader('connection', 'close');
      response.end();
    };
  }

  #begin(servers: readonly DnsServer[], pods: readonly (Pod | FrozenPod)[], phase: Phase): void {
    for (const [n, server] of servers.entries()) {
      const behaviour = phase.servers[n]!;
      if (behaviour === 'well') server.behave('*');
      else server.misbehave('*', behaviour);
      if (phase.pods.length === 0) server.remove(NAME);
      else
        server.set(
          NAME,
          phase.pods.map((pod) => pods[pod]!.address),
          { ttl: this.#scenario.ttl },
        );
    }
    for (const pod of phase.ends ?? []) void (pods[pod] as Pod).kill();
  }

  async #call(client: Dispatcher, origin: string, isOurs: boolean): Promise<Call> {
    const at = performance.now();
    let error = '';
    try {
      const headers = isOurs ? { 'x-ours': '1' } : {};
      const { body } = await client.request({ origin, path: '/', method: 'GET', headers });
      await body.dump();
    } catch (reason) {
      error = String(reason);
    }
    return { at, error, took: performance.now() - at };
  }

  /** Calls of the same moment are the same. */
  *#unserved(): Generator<DiscoveryFinding> {
    const failed = this.#calls.ours.filter(({ error }) => error !== '');
    const begun = Math.min(...this.#calls.stock.map(({ at }) => at));
    for (const { at, error } of failed) {
      const theirs = this.#calls.stock.find((call) => Math.abs(call.at - at) < EVERY / 2);
      if (theirs?.error !== '') continue;
      yield {
        kind: 'unserved',
        text: `${Math.round(at - begun)} ms from the start: stock served, ours: ${error}`,
      };
      return;
    }
    const missing = this.#calls.stock.length - this.#calls.ours.length;
    // Each connection to a pod that drops packets now takes a request that nobody answers. There may be two to a pod.
    if (missing > 2 * this.#frozen.length)
      yield { kind: 'unserved', text: `${missing} calls of ours never ended` };
  }

  /** First success comes about as soon as with stock. */
  *#late(): Generator<DiscoveryFinding> {
    for (const { at, error, took } of this.#calls.ours) {
      const theirs = this.#calls.stock.find((call) => Math.abs(call.at - at) < EVERY / 2);
      if (error !== '' || theirs?.error !== '') continue;
      if (took < theirs.took + LATE + this.#stalled(at, at + took)) continue;
      yield { kind: 'slow', text: `${Math.round(took)} ms, ${Math.round(theirs.took)} ms with stock` };
      return;
    }
  }

  /** For how many milliseconds this process was held up in that time, to judge by its calls. */
  #stalled(from: number, to: number): number {
    let stalled = 0;
    for (const [n, at] of this.#begun.entries()) {
      const next = Math.min(this.#begun[n + 1] ?? at, to);
      if (at >= from) stalled += Math.max(0, next - at - this.#scenario.every);
    }
    return stalled;
  }

  *#leftBehind(until: number): Generator<DiscoveryFinding> {
    const { pods } = this.#scenario.phases.at(-1)!;
    const late = this.#got.find(({ at, pod }) => at > until - 500 && !pods.includes(pod));
    if (late)
      yield { kind: 'left behind', text: `pod ${late.pod} gets requests ${FOLLOWED} ms after it has left` };
  }
}

export async function playDiscovery(
  scenario: DiscoveryScenario,
): Promise<{ findings: DiscoveryFinding[]; requests: number }> {
  const play = new DiscoveryPlay(scenario);
  return { findings: await play.play(), requests: play.requests };
}
