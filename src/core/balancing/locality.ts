import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Candidate } from './picker.ts';

/** Where something is. */
export interface Location {
  readonly zone?: string | undefined;
  readonly nodeName?: string | undefined;
}

/** A candidate that is somewhere. */
export interface Located extends Candidate {
  /** How near it is: on the own node, in the own zone, or in one of the others. */
  level: number;
  readonly inFlight: number;
  /** Requests that it was given since it last served one. */
  unanswered: number;
  /** It stands with those that lag; nobody but the picker says so. */
  lagging: boolean;
}

export const OWN_NODE = 0;
export const OWN_ZONE = 1;

/** Ranks of levels: the own node, the own zone, all others. */
export const RANKS = 3;

/**
 * The share of requests for each level, so that as many stay near as can without that any endpoint has more
 * than the others: as Envoy's zone-aware routing has it, but for one thing. Envoy knows how many clients each
 * zone has; here each zone is taken to make as many requests as the others, and each node.
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

/** Answers among which the longest run counts. Were runs alike but for chance, one in so many would be longer. */
const MEMORY = 128;
/** The same for single endpoints, of all of which the longest run counts. One that lags costs its level nothing. */
const MEMORY_OF_ALL = 512;

/**
 * How many requests may be given before one is served: as many as it was of late, and then one was. It is the congestion
 * window of TCP, in requests: it grows by what is acknowledged only, at most twofold each time (RFC 5681), and what it
 * wasn't used for lately is lost (RFC 7661).
 */
class Window {
  readonly #memory: number;
  /** The longest runs of the last answers, and of as many before. */
  #longest = 1;
  #before = 1;
  #answers = 0;

  constructor(memory: number) {
    this.#memory = memory;
  }

  get size(): number {
    return Math.max(this.#longest, this.#before);
  }

  /** One was served, after so many that were given, or would have been. */
  confirm(requests: number): void {
    const run = Math.min(requests, 2 * this.size + 1);
    if (run > this.#longest) this.#longest = run;
    if (++this.#answers < this.#memory) return;
    this.#answers = 0;
    this.#before = this.#longest;
    this.#longest = 1;
  }
}

/** Dials to a level that may be under way before it is compared with the others: more than a burst begins at once. */
const MOST_DIALS = 24;

/**
 * How many requests a level may be given before it has served another one, without being compared with the others. So a
 * level that is well keeps what is its own, in bursts too, and one that falls silent, or only fails, gets little more
 * than it would if it were no nearer than the others. The same with dials: to a zone that is cut off, they only wait.
 */
class Trust {
  /** Requests since the last that was served: given to it, and kept from it. */
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

/** Which level each request of a service should go to. */
export class Locality {
  /** The level whose turn it is. */
  preferred = OWN_ZONE;
  /** Requests ever given to endpoints, and those of them that went to another zone. */
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
  /** What each level should have had by now, and hasn't. */
  #credits: number[] = [];
  /** What can serve in each level. */
  #capacities: readonly number[] = [];
  readonly #trusts: Trust[] = [];
  /** What any endpoint is given before it serves one. */
  readonly #window = new Window(MEMORY_OF_ALL);
  /** Shares for each unit of capacity, relative to the greatest. */
  #densities: readonly number[] = [];

  /** With `own`, what is set of the own place; the rest may be learned. */
  constructor(mode: 'zone' | 'node', own: Location, random: () => number) {
    this.#nodes = mode === 'node';
    this.#own = own;
    this.#here = own;
    this.#random = random;
  }

  /** The share of requests that went to another zone. */
  get crossZoneShare(): number {
    return this.#requests === 0 ? 0 : this.#crossZone / this.#requests;
  }

  /** Takes a new set of endpoints, and where we are, as far as their source knows. */
  update(endpoints: readonly EndpointAddress[], here: Location | undefined): void {
    const { zone = here?.zone, nodeName = here?.nodeName } = this.#own;
    this.#here = { zone, nodeName };
    // One that may be anywhere makes any share a guess: Linkerd and kube-proxy have it so.
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

  /** Takes the endpoints that can serve. */
  weigh(usable: Iterable<Pick<Located, 'level' | 'weight'>>): void {
    const capacities = Array.from({ length: OWN_ZONE + 1 + this.#zones.length }, () => 0);
    for (const { level, weight } of usable) capacities[level]! += weight;
    this.#capacities = capacities;
    this.#shares = localShares(capacities, this.#zones.length + 1, this.#nodeCount);
    // Begun somewhere, so that clients that start together don't all go the same ways.
    this.#credits = capacities.map((_, level) => this.#credits[level] ?? this.#random() * this.#share(level));
    const densities = capacities.map((capacity, level) =>
      capacity === 0 ? 0 : this.#share(level) / capacity,
    );
    const densest = Math.max(...densities);
    this.#densities = densities.map((density) => (densest === 0 ? 1 : density / densest));
    this.#choose();
  }

  /** How much an endpoint of that level is used, relative to those that are used the most. */
  densityOf(level: number): number {
    return this.#densities[level] ?? 1;
  }

  /**
   * The order in which levels are used, from the least: the one whose turn it is, then near ones, then all others
   * that can serve, and at last those that can't. While the one whose turn it is has used up its trust, none is
   * before another, and candidates are compared as they would be without zones.
   */
  rankOf(level: number): number {
    if ((this.#capacities[level] ?? 0) === 0) return 2 * RANKS;
    if (this.#trustOf(this.preferred).isUsedUp) return RANKS;
    if (level === this.preferred) return -1;
    return this.#share(level) === 0 || this.#trustOf(level).isUsedUp ? RANKS : Math.min(level, RANKS - 1);
  }

  /** A request goes to an endpoint of that level. */
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

  /** An endpoint of that level is dialled for a request that waits. */
  dialled(level: number): void {
    this.#trustOf(level).dialled++;
  }

  /** An endpoint was connected. */
  connected({ level }: Pick<Located, 'level'>): void {
    this.#trustOf(level).dialled = 0;
  }

  /** An endpoint has served a request; what it was given since the one before is counted anew afterwards. */
  served({ level, unanswered, lagging }: Located): void {
    this.#trustOf(level).confirm();
    // One that lags was passed by, and would have been given more.
    this.#window.confirm(lagging ? unanswered * 1.5 : unanswered);
  }

  /**
   * Whether an endpoint was given more requests, without that it has served any, than any was of late that then did. It is
   * until it serves one; of those that it gets when the others have ended, each is the only one.
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
