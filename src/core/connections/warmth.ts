import type { Demand } from '../base/demand.ts';
import { RateWindow } from '../base/rate-window.ts';
import type { Pod } from './connection.ts';
import type { WarmSet } from './warm-set.ts';

/** Milliseconds over which the rate is taken: no more, so that it is followed. */
const LONGEST_WINDOW = 4_000;
const SHORTEST_WINDOW = 1_000;
/** Milliseconds that an idle connection has to last for it to be worth a dial ahead of requests. */
const WORTH_WHILE = 500;
/** Milliseconds that pods surely wait for the first request on a connection. */
const UNUSED = 2_000;

/**
 * Decides how many endpoints are kept connected: those that the rate of requests keeps alive, with two
 * requests each in the time that an idle connection lasts. A trickle spread over more would make every
 * request dial. Follows the rate up at once, and down within seconds.
 */
export class Warmth {
  readonly #set: WarmSet;
  /** Of requests. */
  readonly #window: RateWindow;
  /** Milliseconds that an idle connection lasts where nobody says so. */
  readonly #usual: number;
  /** The same at most endpoints: the median of what they say, so that none of them speaks for the others. */
  #keepAlive: number;
  /** An endpoint has said something new. */
  #learnt = false;
  #active = false;
  /** Endpoints warmed ahead of rotations. */
  #prepared = 0;

  constructor(set: WarmSet, keepAlive: number, demand: Demand) {
    this.#set = set;
    this.#window = new RateWindow(() => demand.taken);
    this.#usual = keepAlive;
    this.#keepAlive = keepAlive;
  }

  /** Whether there is traffic. */
  get active(): boolean {
    return this.#active;
  }

  /** Requests since the last `tick`. */
  get latest(): number {
    return this.#window.latest;
  }

  /** Those that are warm. */
  get warm(): readonly Pod[] {
    return this.#set.warm;
  }

  /** Milliseconds that an unused connection to an endpoint may wait: hints are about those that have been used. */
  idleTimeoutOf({ keepAlive = this.#keepAlive }: Pod): number {
    return Math.max(keepAlive, Math.min(this.#usual, UNUSED));
  }

  /** Learns how long an endpoint lets an idle connection last. Says which have become warm in place of others, or cold. */
  learn(endpoint: Pod, milliseconds: number): readonly Pod[] {
    endpoint.setKeepAlive(milliseconds);
    this.#learnt = true;
    return this.#set.setFleeting(endpoint, milliseconds < Math.min(WORTH_WHILE, this.#usual));
  }

  /** Whether a connection that is made now for an endpoint will be used, though that one doesn't keep it after that. */
  isWorthwhile({ fleeting }: Pod): boolean {
    return !fleeting || this.#window.total * UNUSED >= this.#set.size * this.#windowLength;
  }

  /** There are requests, from now on. Whether it is news: `tick` is to be called from now on. */
  start(): boolean {
    if (this.#active) return false;
    this.#active = true;
    return true;
  }

  /** Whether another one is wanted, as a request goes to an endpoint with that load. */
  isShort(load: number): boolean {
    return this.#set.cold > 0 && (load > 0 || this.affordable > this.#set.size);
  }

  /** Warms one more endpoint, if there is one. */
  grow(): Pod | undefined {
    return this.#set.grow();
  }

  /** Takes endpoints in and out. Says which have become warm in place of others, or cold. */
  replace(fresh: readonly Pod[], gone: readonly Pod[] = []): readonly Pod[] {
    return this.#set.replace(fresh, gone);
  }

  /** Sorts the endpoints anew, for densities have changed. Says which have become warm in place of others, or cold. */
  sort(): readonly Pod[] {
    return this.#set.sort();
  }

  /** A connection is about to reach its age: warms the endpoint whose turn comes then. None if all are warm. */
  prepareRotation(): Pod | undefined {
    const next = this.#set.grow();
    if (next !== undefined) this.#prepared++;
    return next;
  }

  /**
   * A connection to that endpoint has reached its age: the warm set moves on, so that in time each
   * endpoint is used. Says which have become warm, or cold: none if all are warm.
   */
  rotate(endpoint: Pod): readonly Pod[] {
    if (!endpoint.warm || (this.#set.cold === 0 && this.#prepared === 0)) return [];
    const changed = this.#set.demote(endpoint);
    if (this.#prepared === 0) return changed;
    this.#prepared--;
    const cooled = this.#set.shrink();
    return cooled === undefined ? changed : [...changed, cooled];
  }

  stop(): void {
    this.#active = false;
  }

  /** Milliseconds from one `tick` to the next. */
  get step(): number {
    return RateWindow.step(this.#windowLength);
  }

  /**
   * Some time has passed. Says which have become warm, or cold; `undefined` if there is no traffic any more.
   *
   * @param heard milliseconds that idle connections last, of each endpoint that has said so
   */
  tick(demand: number, failing: number, heard: () => Iterable<number>): readonly Pod[] | undefined {
    if (this.#window.total === 0 && demand === 0) {
      this.#active = false;
      return undefined;
    }
    if (this.#learnt) this.#learnUsual(heard());
    return this.resize(demand, failing);
  }

  /** Time goes on: what was decided since the last `tick` was decided on a whole window. */
  advance(): void {
    this.#window.advance();
  }

  /** Makes as many warm as are wanted, with so many requests, and endpoints that fail. Says which have become warm, or cold. */
  resize(demand: number, failing: number): readonly Pod[] {
    const wanted = Math.max(1, Math.floor(this.affordable), demand) + failing;
    // With some slack, lest an endpoint come and go with the noise of the rate.
    const most = wanted * 1.34 + 1;
    const changed: Pod[] = [];
    while (this.#set.size < wanted && this.#set.cold > 0) changed.push(this.#set.grow()!);
    while (this.#set.size > most) changed.push(this.#set.shrink()!);
    return changed;
  }

  /** Endpoints that the present rate keeps alive. */
  get affordable(): number {
    // Where none lasts, nothing is lost by using all.
    if (this.#keepAlive < Math.min(WORTH_WHILE, this.#usual)) return Number.POSITIVE_INFINITY;
    return (this.#window.total * this.#keepAlive) / (2 * this.#windowLength);
  }

  get #windowLength(): number {
    return Math.min(Math.max(this.#keepAlive, SHORTEST_WINDOW), LONGEST_WINDOW);
  }

  #learnUsual(heard: Iterable<number>): void {
    this.#learnt = false;
    const sorted = [...heard].sort((a, b) => a - b);
    this.#keepAlive = sorted[sorted.length >> 1] ?? this.#usual;
  }
}
