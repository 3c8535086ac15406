import type { Demand } from '../base/demand.ts';
import { RateWindow } from '../base/rate-window.ts';
import type { Pod } from './connection.ts';
import type { WarmSet } from './warm-set.ts';

/** The rate is measured over so many milliseconds: short enough to follow it. */
const LONGEST_WINDOW = 4_000;
const SHORTEST_WINDOW = 1_000;
/** For how many milliseconds an idle connection must last, so that it is worth a dial ahead of requests. */
const WORTH_WHILE = 500;
/** Up to so many times the wanted number stay warm, so that noise in the rate doesn't make an endpoint come and go. */
const SLACK = 1.34;
/** For how many milliseconds any pod waits for the first request on a connection. */
const UNUSED = 2_000;

/**
 * Decides how many endpoints stay connected: as many as the rate of requests keeps alive, with two requests for each in
 * the time for which an idle connection lasts. If few requests were spread over more, each would need a dial. The
 * number rises at once with the rate, and falls within seconds.
 */
export class Warmth {
  readonly #set: WarmSet;
  /** The requests of the last seconds. */
  readonly #window: RateWindow;
  /** For how many milliseconds an idle connection lasts, if the endpoint doesn't say. */
  readonly #usual: number;
  /** The same for most endpoints: the median of what they say, so that no single endpoint decides. */
  #keepAlive: number;
  /** Whether an endpoint has said something new. */
  #learnt = false;
  #active = false;
  /** How many endpoints were warmed ahead of rotations. */
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

  /** How many requests have come since the last `tick`. */
  get latest(): number {
    return this.#window.latest;
  }

  /** Those that are warm. */
  get warm(): readonly Pod[] {
    return this.#set.warm;
  }

  /**
   * For how many milliseconds an unused connection to an endpoint may wait. What servers announce is about used
   * connections.
   */
  idleTimeoutOf({ keepAlive = this.#keepAlive }: Pod): number {
    return Math.max(keepAlive, Math.min(this.#usual, UNUSED));
  }

  /**
   * Learns for how many milliseconds an endpoint keeps idle connections. Returns which endpoints have become warm or
   * cold.
   */
  learn(endpoint: Pod, milliseconds: number): readonly Pod[] {
    endpoint.setKeepAlive(milliseconds);
    this.#learnt = true;
    return this.#set.setFleeting(endpoint, milliseconds < Math.min(WORTH_WHILE, this.#usual));
  }

  /** Whether a connection that is made now will be used, even if its endpoint doesn't keep it after that. */
  isWorthwhile({ fleeting }: Pod): boolean {
    return !fleeting || this.#window.total * UNUSED >= this.#set.size * this.#windowLength();
  }

  /** Requests come from now on. Returns true if there were none before: then `tick` must be called from now on. */
  start(): boolean {
    if (this.#active) return false;
    this.#active = true;
    return true;
  }

  /** Whether one more warm endpoint is needed when a request goes to an endpoint with this load. */
  isShort(load: number): boolean {
    return this.#set.cold > 0 && (load > 0 || this.affordable > this.#set.size);
  }

  /** Warms one more endpoint, if there is one. */
  grow(): Pod | undefined {
    return this.#set.grow();
  }

  /** Adds and removes endpoints. Returns which have become warm or cold. */
  replace(fresh: readonly Pod[], gone: readonly Pod[] = []): readonly Pod[] {
    return this.#set.replace(fresh, gone);
  }

  /** Sorts the endpoints again after densities have changed. Returns which have become warm or cold. */
  sort(): readonly Pod[] {
    return this.#set.sort();
  }

  /** A connection will reach its age soon. Warms the endpoint whose turn comes next; none if all are warm. */
  prepareRotation(): Pod | undefined {
    const next = this.#set.grow();
    if (next !== undefined) this.#prepared++;
    return next;
  }

  /**
   * A connection to this endpoint has reached its age. The warm set moves on, so that each endpoint has its turn.
   * Returns which have become warm or cold; none if all are warm.
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
    return RateWindow.step(this.#windowLength());
  }

  /**
   * Some time has passed. Returns which endpoints have become warm or cold; `undefined` if there is no traffic any
   * more.
   *
   * @param heard for how many milliseconds each endpoint keeps idle connections, if it has said so
   */
  tick(demand: number, failing: number, heard: () => Iterable<number>): readonly Pod[] | undefined {
    if (this.#window.total === 0 && demand === 0) {
      this.#active = false;
      return undefined;
    }
    if (this.#learnt) this.#learnUsual(heard());
    return this.resize(demand, failing);
  }

  /** Moves the window of the rate on. Until here, decisions were based on a whole window. */
  advance(): void {
    this.#window.advance();
  }

  /**
   * Warms as many endpoints as are needed for `demand` requests, if `failing` endpoints can't be used. Returns which
   * have become warm or cold.
   */
  resize(demand: number, failing: number): readonly Pod[] {
    const wanted = Math.max(1, Math.floor(this.affordable), demand) + failing;
    const most = wanted * SLACK + 1;
    const changed: Pod[] = [];
    while (this.#set.size < wanted && this.#set.cold > 0) changed.push(this.#set.grow()!);
    while (this.#set.size > most) changed.push(this.#set.shrink()!);
    return changed;
  }

  /** How many endpoints the present rate keeps alive. */
  get affordable(): number {
    // If no connection lasts, it costs nothing to use all endpoints.
    if (this.#keepAlive < Math.min(WORTH_WHILE, this.#usual)) return Number.POSITIVE_INFINITY;
    return (this.#window.total * this.#keepAlive) / (2 * this.#windowLength());
  }

  #windowLength(): number {
    return Math.min(Math.max(this.#keepAlive, SHORTEST_WINDOW), LONGEST_WINDOW);
  }

  #learnUsual(heard: Iterable<number>): void {
    this.#learnt = false;
    const sorted = [...heard].sort((a, b) => a - b);
    this.#keepAlive = sorted[sorted.length >> 1] ?? this.#usual;
  }
}
