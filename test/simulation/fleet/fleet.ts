import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { Actor } from '../agenda.ts';
import { Draws } from '../draws.ts';
import { micros } from '../time.ts';
import type { Watch } from '../world.ts';
import { Autoscaler, type Look } from './autoscaler.ts';
import { Cluster } from './cluster.ts';
import { EvenkeelClient, type Sight } from './evenkeel-client.ts';
import { StockClient } from './stock-client.ts';

/** One that calls. */
export interface Client {
  call(number: number): void;
}

/** How clients call the Service. */
export type Way = { readonly name: string } & (
  | { readonly client: 'stock' }
  | { readonly client: 'evenkeel'; readonly sight: Sight; readonly options?: BalancedAgentOptions }
);

export interface FleetOptions {
  readonly way: Way;
  readonly clients: number;
  readonly minutes: number;
  readonly pods: { readonly least: number; readonly most: number };
  /** Requests a second of all clients together, at a minute. */
  readonly rate: (minute: number) => number;
  readonly seed?: number;
}

export interface FleetFound {
  readonly looks: readonly Look[];
  readonly requests: number;
  readonly failed: number;
  /** Milliseconds, of the requests of the second half. */
  readonly p99: number;
  /** Seconds from the last pods to an even load; Infinity: it never was. */
  readonly evenAfter: number;
}

/** The busiest pod has no more than so many times the mean, and the idlest no less than the part that it is of it. */
const EVEN = 1.5;
/** Looks that are taken together: a minute, in which a pod has some hundreds of requests. */
const WINDOW = 4;

/** How long requests took, and how many failed. */
export class Latencies {
  failed = 0;
  readonly #all: number[] = [];

  add(milliseconds: number, failed: boolean): void {
    if (failed) this.failed++;
    else this.#all.push(milliseconds);
  }

  get count(): number {
    return this.#all.length + this.failed;
  }

  /** Of the second half. */
  get p99(): number {
    const last = this.#all.slice(this.#all.length >> 1).sort((a, b) => a - b);
    return last[Math.floor(last.length * 0.99)] ?? 0;
  }
}

/** Nobody looks. */
const NOBODY: Watch = {
  onTaken() {},
  onWaiting() {},
  onGiven() {},
  onSent() {},
  onExecuted() {},
  onSettled() {},
  onSocketClosed() {},
  onUnlooked() {},
  onCut() {},
  onDial() {},
};

/** Calls come to a client at random times, at the rate of the moment. */
class Demand implements Actor {
  readonly #cluster: Cluster;
  readonly #client: Client;
  readonly #rate: (minute: number) => number;
  readonly #gaps: Draws;
  readonly #n: number;
  #made = 0;

  constructor(cluster: Cluster, client: Client, n: number, rate: (minute: number) => number) {
    this.#cluster = cluster;
    this.#client = client;
    this.#rate = rate;
    this.#n = n;
    this.#gaps = new Draws().about(cluster.world.seed, n, 0xde);
    this.#next();
  }

  happen(): void {
    this.#client.call(this.#n * 10_000_000 + this.#made++);
    this.#next();
  }

  #next(): void {
    const { time } = this.#cluster.world;
    const gap = this.#gaps.exponential(1_000 / this.#rate(time.now() / 60_000));
    time.arrive(Math.max(1, micros(gap)), this, 0);
  }
}

/** Many clients call a Service whose pods an autoscaler makes more. To be called within `inMacrotask`. */
export function playFleet({ way, clients, minutes, pods, rate, seed = 1 }: FleetOptions): FleetFound {
  const cluster = new Cluster(seed, pods.most);
  cluster.world.watch = NOBODY;
  const autoscaler = new Autoscaler(cluster, pods.least, pods.most);
  const latencies = new Latencies();
  for (let n = 0; n < clients; n++) {
    const client =
      way.client === 'stock'
        ? new StockClient(cluster, latencies)
        : new EvenkeelClient(cluster, n, latencies, way.sight, way.options ?? {});
    new Demand(cluster, client, n, (minute) => rate(minute) / clients);
  }
  cluster.world.time.run(micros(minutes * 60_000));
  const { looks } = autoscaler;
  return {
    looks,
    requests: latencies.count,
    failed: latencies.failed,
    p99: latencies.p99,
    evenAfter: evenAfter(looks),
  };
}

function evenAfter(looks: readonly Look[]): number {
  const most = looks.at(-1)!.utilisations.length;
  const complete = looks.filter(({ utilisations }) => utilisations.length === most);
  const even = complete.findIndex(
    (_, n) => n + WINDOW <= complete.length && isEven(complete.slice(n, n + WINDOW)),
  );
  return even < 0 ? Number.POSITIVE_INFINITY : complete[even]!.at - complete[0]!.at;
}

/** Whether no pod is far from the mean, over several looks. */
function isEven(looks: readonly Look[]): boolean {
  const pods = looks[0]!.utilisations.map((_, pod) =>
    average(looks.map(({ utilisations }) => utilisations[pod]!)),
  );
  const mean = average(pods);
  return pods.every((value) => value < mean * EVEN && value > mean / EVEN);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
