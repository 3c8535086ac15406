import type { Clock, Timer } from '../base/clock.ts';
import { RateWindow } from '../base/rate-window.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { WarmSet } from './warm-set.ts';

/** Milliseconds over which the rate is taken: no more, so that it is followed. */
const LONGEST_WINDOW = 4_000;
const SHORTEST_WINDOW = 1_000;
/** Milliseconds that an idle connection has to last for it to be worth a dial ahead of requests. */
const WORTH_WHILE = 500;
/** Milliseconds that pods surely wait for the first request on a connection. */
const UNUSED = 2_000;

/** What warmth tells the pool, and asks of it. */
export interface WarmthOwner {
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** Endpoints that can't be reached now. */
  readonly failing: number;
  /** Milliseconds that idle connections last, of each endpoint that has said so. */
  readonly heard: Iterable<number>;
  /** These endpoints have become warm, or cold. */
  onWarmthChanged(endpoints: readonly Endpoint[]): void;
  /** Time to connect again what is warm and has lost its connections: there is traffic to keep them. */
  onTick(): void;
  /** No request came for a while. */
  onQuiet(): void;
}

/**
 * Decides how many endpoints are kept connected: those that the rate of requests keeps alive, with two
 * requests each in the time that an idle connection lasts. A trickle spread over more would make every
 * request dial. Follows the rate up at once, and down within seconds.
 */
export class Warmth {
  readonly #clock: Clock;
  readonly #owner: WarmthOwner;
  readonly #set: WarmSet;
  readonly #window = new RateWindow();
  /** Milliseconds that an idle connection lasts where nobody says so. */
  readonly #usual: number;
  /** The same at most endpoints: the median of what they say, so that none of them speaks for the others. */
  #keepAlive: number;
  /** An endpoint has said something new. */
  #learnt = false;
  #ticking: Timer | undefined;
  /** Endpoints warmed ahead of rotations. */
  #prepared = 0;

  constructor(owner: WarmthOwner, clock: Clock, set: WarmSet, keepAlive: number) {
    this.#owner = owner;
    this.#clock = clock;
    this.#set = set;
    this.#usual = keepAlive;
    this.#keepAlive = keepAlive;
  }

  /** Whether there is traffic. */
  get active(): boolean {
    return this.#ticking !== undefined;
  }

  /** Milliseconds that an unused connection to an endpoint may wait: hints are about those that have been used. */
  idleTimeoutOf({ keepAlive = this.#keepAlive }: Endpoint): number {
    return Math.max(keepAlive, Math.min(this.#usual, UNUSED));
  }

  /** Learns how long an endpoint lets an idle connection last. */
  learn(endpoint: Endpoint, milliseconds: number): void {
    endpoint.keepAlive = milliseconds;
    this.#learnt = true;
    const changed = this.#set.setFleeting(endpoint, milliseconds < Math.min(WORTH_WHILE, this.#usual));
    if (changed.length > 0) this.#owner.onWarmthChanged(changed);
  }

  /** Whether a connection that is made now for an endpoint will be used, though that one doesn't keep it after that. */
  isWorthwhile({ fleeting }: Endpoint): boolean {
    return !fleeting || this.#window.total * UNUSED >= this.#set.size * this.#windowLength;
  }

  /** Counts a request. */
  count(): void {
    this.#window.count();
    if (this.#ticking === undefined) this.#tickLater();
  }

  /** A request goes to an endpoint with that load: if it isn't idle, another one is wanted. */
  consider(load: number): void {
    if (this.#set.cold > 0 && (load > 0 || this.affordable > this.#set.size)) this.grow();
  }

  /** Warms one more endpoint, if there is one. */
  grow(): boolean {
    const endpoint = this.#set.grow();
    if (endpoint !== undefined) this.#owner.onWarmthChanged([endpoint]);
    return endpoint !== undefined;
  }

  /** Those that are warm. */
  get warm(): readonly Endpoint[] {
    return this.#set.warm;
  }

  /** Takes endpoints in and out. Says which have become warm in place of others, or cold. */
  replace(fresh: readonly Endpoint[], gone: readonly Endpoint[] = []): readonly Endpoint[] {
    const changed = this.#set.replace(fresh, gone);
    this.#resize();
    return changed;
  }

  /** Sorts the endpoints anew, for densities have changed. Says which have become warm in place of others, or cold. */
  sort(): readonly Endpoint[] {
    return this.#set.sort();
  }

  /** A connection is about to reach its age: warms the endpoint whose turn comes then. False if all are warm. */
  prepareRotation(): boolean {
    if (!this.grow()) return false;
    this.#prepared++;
    return true;
  }

  /**
   * A connection to that endpoint has reached its age: the warm set moves on, so that in time each
   * endpoint is used. Says which have become warm, or cold: none if all are warm.
   */
  rotate(endpoint: Endpoint): readonly Endpoint[] {
    if (!endpoint.warm || (this.#set.cold === 0 && this.#prepared === 0)) return [];
    const changed = this.#set.demote(endpoint);
    if (this.#prepared === 0) return changed;
    this.#prepared--;
    const cooled = this.#set.shrink();
    return cooled === undefined ? changed : [...changed, cooled];
  }

  stop(): void {
    this.#ticking?.cancel();
    this.#ticking = undefined;
  }

  get #windowLength(): number {
    return Math.min(Math.max(this.#keepAlive, SHORTEST_WINDOW), LONGEST_WINDOW);
  }

  /** Endpoints that the present rate keeps alive. */
  get affordable(): number {
    // Where none lasts, nothing is lost by using all.
    if (this.#keepAlive < Math.min(WORTH_WHILE, this.#usual)) return Number.POSITIVE_INFINITY;
    return (this.#window.total * this.#keepAlive) / (2 * this.#windowLength);
  }

  #weigh(): void {
    this.#learnt = false;
    const heard = [...this.#owner.heard].sort((a, b) => a - b);
    this.#keepAlive = heard[heard.length >> 1] ?? this.#usual;
  }

  #tickLater(): void {
    this.#ticking = this.#clock.schedule(() => this.#tick(), RateWindow.step(this.#windowLength));
  }

  #tick(): void {
    if (this.#window.total === 0 && this.#owner.demand === 0) {
      this.#ticking = undefined;
      this.#owner.onQuiet();
      return;
    }
    this.#tickLater();
    if (this.#learnt) this.#weigh();
    this.#resize();
    if (this.affordable >= 1) this.#owner.onTick();
    // Last: what was just decided is decided on a whole window.
    this.#window.advance();
  }

  #resize(): void {
    const { demand, failing } = this.#owner;
    const wanted = Math.max(1, Math.floor(this.affordable), demand) + failing;
    // With some slack, lest an endpoint come and go with the noise of the rate.
    const most = wanted * 1.34 + 1;
    const changed: Endpoint[] = [];
    while (this.#set.size < wanted && this.#set.cold > 0) changed.push(this.#set.grow()!);
    while (this.#set.size > most) changed.push(this.#set.shrink()!);
    if (changed.length > 0) this.#owner.onWarmthChanged(changed);
  }
}
