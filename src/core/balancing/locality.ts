import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Candidate } from './picker.ts';

/** Where an endpoint or this process is. */
export interface Location {
  readonly zone?: string | undefined;
  readonly nodeName?: string | undefined;
}

/** A candidate with a place. */
export interface Located extends Candidate {
  /** How near it is: on the own node, in the own zone, or in another one. */
  level: number;
  readonly inFlight: number;
  /** How many requests it got since it last served one. */
  unanswered: number;
  /** Whether it is among those that lag. Only the picker sets this. */
  lagging: boolean;
}

export const OWN_NODE = 0;
export const OWN_ZONE = 1;

/** How many ranks levels have: the own node, the own zone, all others. */
export const RANKS = 3;

/**
 * The share of requests for each level. As many requests stay near as possible, as long as no endpoint gets more than
 * the others. Envoy's zone-aware routing does the same, with one difference: Envoy knows how many clients each zone
 * has. evenkeel assumes that all zones make equally many requests, and all nodes too.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/zone_aware
 *
 * What a near level can't take goes to the zones that have more than their own clients need, in proportion.
 *
 * @param capacities what each level can take, relative to the others; the levels from 2 on are other zones
 */
export function localShares(capacities: readonly number[], zones: number, nodes: number): number[] {
  const total = capacities.reduce((sum, capacity) => sum + capacity, 0);
  if (total === 0) return capacities.map((_, level) => (level === OWN_ZONE ? 1 : 0));
  const [node = 0, zone = 0, ...others] = capacities;
  const onNode = Math.min(1, (node / total) * nodes);
  const inZone = Math.max(onNode, Math.min(1, ((node + zone) / total) * zones));
  const near = zone === 0 ? onNode : inZone;
  const spare = others.map((capacity) => Math.max(0, capacity / total - 1 / zones));
  const hasSpare = spare.some((share) => share > 0);
  const parts = hasSpare ? spare : others;
  const sum = parts.reduce((all, part) => all + part, 0);
  if (sum === 0) return [onNode, 1 - onNode, ...others];
  return [onNode, near - onNode, ...parts.map((part) => ((1 - near) * part) / sum)];
}

/**
 * The longest run of the last answers counts, of so many. If only chance made runs differ, one in so many would be
 * longer.
 */
const MEMORY = 128;
/** The same for single endpoints: the longest run of any of them counts. If one endpoint lags, its level loses nothing. */
const MEMORY_OF_ALL = 512;

/**
 * How many requests may be given before one is served: as many as the longest run that ended well lately. This is TCP's
 * congestion window, in requests. It grows only when requests are served, at most to double each time (RFC 5681), and
 * shrinks if it isn't used (RFC 7661).
 */
class Window {
  readonly #memory: number;
  /** The longest run of the last answers, and of as many answers before. */
  #longest = 1;
  #before = 1;
  #answers = 0;

  constructor(memory: number) {
    this.#memory = memory;
  }

  get size(): number {
    return Math.max(this.#longest, this.#before);
  }

  /** A request was served after a run of so many requests that were given, or would have been. */
  confirm(requests: number): void {
    const run = Math.min(requests, 2 * this.size + 1);
    if (run > this.#longest) this.#longest = run;
    if (++this.#answers < this.#memory) return;
    this.#answers = 0;
    this.#before = this.#longest;
    this.#longest = 1;
  }
}

/** How many times as many requests an endpoint would have got in a row if it didn't lag. */
const UNLAGGED = 1.5;

/** Dials to a level that may be under way before it is compared with the others: more than a burst begins at once. */
const MOST_DIALS = 24;

/**
 * How many requests a level may get in a row without serving any, before its endpoints are compared with all others. So
 * a level that is well keeps its requests, also in bursts. A level that is silent, or only fails, gets little more than
 * without zones. Dials count in the same way: to a zone that is cut off, they only wait.
 */
class Trust {
  /** Requests since the last one that was served: given to the level, and given to others because the trust was used up. */
  given = 0;
  passedBy = 0;
  /** Dials since the last that connected, or the last request that was served. */
  dialled = 0;
  readonly #window = new Window(MEMORY);

  get isUsedUp(): boolean {
    return this.given >= this.#window.size || this.dialled >= MOST_DIALS;
  }

  confirm(): void {
    this.#window.confirm(this.given + this.passedBy);
    this.given = 0;
    this.passedBy = 0;
    this.dialled = 0;
  }
}

/** Decides which level each request of a service should go to. */
export class Locality {
  /** The level whose turn it is. */
  preferred = OWN_ZONE;
  /** How many requests endpoints got since the start, and how many of them went to another zone. */
  #requests = 0;
  #crossZone = 0;
  readonly #nodes: boolean;
  readonly #random: () => number;
  readonly #own: Location;
  #here: Location;
  #zones: string[] = [];
  #nodeCount = 1;
  #isZoned = false;
  #shares: readonly number[] = [];
  /** How many requests each level should have had by now, and hasn't. */
  #credits: number[] = [];
  /** How much each level can take. */
  #capacities: readonly number[] = [];
  readonly #trusts: Trust[] = [];
  /** How many requests any endpoint gets before it serves one. */
  readonly #window = new Window(MEMORY_OF_ALL);
  /** The share for each unit of capacity, relative to the highest. */
  #densities: readonly number[] = [];

  /** @param own the place of this process, as far as the options say; EndpointSlices may tell the rest */
  constructor(mode: 'zone' | 'node', own: Location, random: () => number) {
    this.#nodes = mode === 'node';
    this.#own = own;
    this.#here = own;
    this.#random = random;
  }

  /** Which share of the requests went to another zone, from 0 to 1. */
  get crossZoneShare(): number {
    return this.#requests === 0 ? 0 : this.#crossZone / this.#requests;
  }

  /** Applies a new set of endpoints, and the place of this process, if discovery knows it. */
  update(endpoints: readonly EndpointAddress[], here: Location | undefined): void {
    const { zone = here?.zone, nodeName = here?.nodeName } = this.#own;
    this.#here = { zone, nodeName };
    // If an endpoint has no zone, no share would be right. Linkerd and kube-proxy ignore zones in this case too.
    this.#isZoned = zone !== undefined && endpoints.every((endpoint) => endpoint.zone !== undefined);
    const zones = new Set(endpoints.map((endpoint) => endpoint.zone!));
    if (zone !== undefined) zones.delete(zone);
    this.#zones = this.#isZoned ? [...zones].sort() : [];
    const nodes = new Set(endpoints.map((endpoint) => endpoint.nodeName));
    this.#nodeCount = this.#nodes ? nodes.add(nodeName).size : 1;
  }

  /** How near an endpoint of the set is. */
  levelOf({ zone, nodeName }: Location): number {
    if (this.#nodes && nodeName !== undefined && nodeName === this.#here.nodeName) return OWN_NODE;
    if (!this.#isZoned || zone === this.#here.zone) return OWN_ZONE;
    return OWN_ZONE + 1 + this.#zones.indexOf(zone!);
  }

  /** Computes the shares from the endpoints that can serve. */
  weigh(usable: Iterable<Pick<Located, 'level' | 'weight'>>): void {
    const capacities = Array.from({ length: OWN_ZONE + 1 + this.#zones.length }, () => 0);
    for (const { level, weight } of usable) capacities[level]! += weight;
    this.#capacities = capacities;
    this.#shares = localShares(capacities, this.#zones.length + 1, this.#nodeCount);
    // Random at first, so that clients that start together don't all send requests in the same order.
    this.#credits = capacities.map((_, level) => this.#credits[level] ?? this.#random() * this.#share(level));
    const densities = capacities.map((capacity, level) =>
      capacity === 0 ? 0 : this.#share(level) / capacity,
    );
    const densest = Math.max(...densities);
    this.#densities = densities.map((density) => (densest === 0 ? 1 : density / densest));
    this.#choose();
  }

  /** How much an endpoint of this level is used, relative to those that are used most. */
  densityOf(level: number): number {
    return this.#densities[level] ?? 1;
  }

  /**
   * The order in which levels are used, the smallest first: the level whose turn it is, near levels, all other levels
   * that can serve, and last those that can't. While the level whose turn it is has used up its trust, all are equal,
   * and candidates are compared as without zones.
   */
  rankOf(level: number): number {
    if ((this.#capacities[level] ?? 0) === 0) return 2 * RANKS;
    if (this.#trustOf(this.preferred).isUsedUp) return RANKS;
    if (level === this.preferred) return -1;
    return this.#share(level) === 0 || this.#trustOf(level).isUsedUp ? RANKS : Math.min(level, RANKS - 1);
  }

  /** A request goes to an endpoint of this level. */
  used(level: number): void {
    this.#requests++;
    if (level > OWN_ZONE) this.#crossZone++;
    const preferred = this.#trustOf(this.preferred);
    if (level !== this.preferred && preferred.isUsedUp) preferred.passedBy++;
    this.#trustOf(level).given++;
    const credits = this.#credits;
    for (let i = 0; i < credits.length; i++)
      credits[i] = Math.max(-1, Math.min(1, credits[i]! + this.#share(i)));
    if (level < credits.length) credits[level]!--;
    this.#choose();
  }

  /** An endpoint of this level is dialled for a request that waits. */
  dialled(level: number): void {
    this.#trustOf(level).dialled++;
  }

  /** An endpoint was connected. */
  connected({ level }: Pick<Located, 'level'>): void {
    this.#trustOf(level).dialled = 0;
  }

  /** An endpoint has served a request. Its run of unanswered requests ends. */
  served({ level, unanswered, lagging }: Located): void {
    this.#trustOf(level).confirm();
    this.#window.confirm(lagging ? unanswered * UNLAGGED : unanswered);
  }

  /**
   * Whether an endpoint has got more requests in a row than any endpoint that served one lately. It lags until it
   * serves one. When its other requests have ended, it gets one at a time.
   */
  lags({ unanswered, inFlight, lagging }: Located): boolean {
    return inFlight > 0 && unanswered > (lagging ? 0 : this.#window.size);
  }

  #trustOf(level: number): Trust {
    for (let n = this.#trusts.length; n <= level; n++) this.#trusts.push(new Trust());
    return this.#trusts[level]!;
  }

  #share(level: number): number {
    return this.#shares[level] ?? 0;
  }

  #choose(): void {
    let best = OWN_ZONE;
    for (let level = 0; level < this.#credits.length; level++) {
      if (this.#share(level) === 0) continue;
      if (this.#share(best) === 0 || this.#credits[level]! > this.#credits[best]!) best = level;
    }
    this.preferred = best;
  }
}
