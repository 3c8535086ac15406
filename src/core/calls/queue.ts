import { type Clock, queueMicrotask, type Timer } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import { QueueFullError } from '../base/errors.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Waiters } from '../endpoints/board.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { HashLine } from './hash-line.ts';
import { noEndpoints } from './no-endpoints.ts';
import { RetryLine } from './retry-line.ts';
import type { CallSettings } from './settings.ts';
import { UpgradeLine } from './upgrade-line.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

export interface QueueOptions {
  pool: Pool;
  attempts: Attempts;
  discovery: Pick<Discovery, 'demand' | 'error' | 'onSlow'>;
  demand: Demand;
  settings: CallSettings & { readonly clock: Clock };
  /** Whoever could be served has been. */
  onServed: () => void;
}

/** How often those that wait are looked after. */
const CHECK = 250;

/**
 * The requests of a service that wait: for any connection, for a socket of their own, or for another
 * endpoint than those that have failed them.
 */
export class Queue implements Waiters {
  /** Somebody else waits for calls to end. */
  awaitsEnd = false;
  readonly #pool: Pool;
  readonly #attempts: Attempts;
  readonly #discovery: QueueOptions['discovery'];
  readonly #demand: Demand;
  readonly #settings: QueueOptions['settings'];
  readonly #clock: Clock;
  readonly #onServed: () => void;
  readonly #waiting: WaitingLine;
  readonly #upgrades: UpgradeLine;
  readonly #retries: RetryLine;
  readonly #hashed: HashLine;
  #serving = false;
  /** When somebody who waited for any endpoint last had one. */
  #movedAt = Number.NEGATIVE_INFINITY;
  #check: Timer | undefined;
  #checkDue = 0;

  constructor({ pool, attempts, discovery, demand, settings, onServed }: QueueOptions) {
    this.#pool = pool;
    this.#attempts = attempts;
    this.#discovery = discovery;
    this.#demand = demand;
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#onServed = onServed;
    this.#waiting = new WaitingLine(demand);
    this.#upgrades = new UpgradeLine(pool, attempts, demand);
    this.#retries = new RetryLine(pool, attempts, demand);
    this.#hashed = new HashLine(pool, attempts, demand, settings.ringHash.balanceFactor, (before) =>
      this.#serveWaiting(before),
    );
    pool.board.serveTo(this);
  }

  get size(): number {
    return this.#demand.waiting;
  }

  get isAwaited(): boolean {
    return this.size > 0 || this.awaitsEnd;
  }

  /** Whether those that come have to wait behind others. */
  get isBusy(): boolean {
    return this.#demand.waiting > 0 && this.#waiting.size > 0;
  }

  /** The endpoint to serve a request that has a key at once; none if it has to wait. */
  pickByKey(call: Call, now: number): Pod | undefined {
    // Those without a key that wait came before it, and may have any endpoint.
    if (this.isBusy) this.#serveWaiting();
    return this.#hashed.pick(call, now);
  }

  /** Whether no more may wait. Those for which a connection is being made, or will be in a moment, don't count. */
  get isFull(): boolean {
    const { maxPendingRequests } = this.#settings;
    const { dials, plan, capacity } = this.#pool;
    const undialled = this.size - dials.size;
    if (undialled < maxPendingRequests) return false;
    return undialled - capacity.connectable(plan.pace.deferred) >= maxPendingRequests;
  }

  /** Takes a request in, or refuses it if too many wait. */
  add(call: Call): void {
    if (!this.isFull) {
      this.#add(call, false);
      return;
    }
    const { maxPendingRequests } = this.#settings;
    call.fail(
      new QueueFullError(
        `${this.size} requests wait for ${this.#pool.board.origin}, no more than ${maxPendingRequests} may`,
      ),
    );
  }

  /** Takes a request in that had its turn, and was not sent. */
  addAgain(call: Call): void {
    this.#add(call, true);
    this.serveSoon();
  }

  /** Takes a request in that endpoints have failed. */
  addRetry(call: Call): void {
    this.#retries.add(call, this.#clock.now());
    this.#checkLater();
    this.serveSoon();
  }

  #add(call: Call, back: boolean): void {
    const now = this.#clock.now();
    const line = this.#lineFor(call);
    if (line === this.#hashed) this.#hashed.add(call, now);
    else if (line === this.#upgrades) this.#upgrades.add(call, now);
    else this.#waiting.add(call, now, this.#pool.dials.moment(), back);
    if (!line.has(call)) return;
    call.begin();
    if (!line.has(call)) return;
    this.#checkLater();
    if (this.#pool.set.current.size === 0) this.#discovery.demand();
    if (line === this.#waiting) this.dial();
  }

  #lineFor({ keyHash, lasting }: Call): HashLine | UpgradeLine | WaitingLine {
    return keyHash >= 0 ? this.#hashed : lasting ? this.#upgrades : this.#waiting;
  }

  /** Takes a request out, if it waits. */
  remove(call: Call): void {
    this.#waiting.remove(call);
    this.#upgrades.remove(call);
    this.#retries.remove(call);
    this.#hashed.remove(call);
  }

  /** Serves those that wait, once undici has settled the fate of the socket that was just released. */
  serveSoon(): void {
    if (this.#serving) return;
    this.#serving = true;
    queueMicrotask(() => {
      this.#serving = false;
      this.serve();
    });
  }

  serve(): void {
    const { pace } = this.#pool.plan;
    if (this.#upgrades.size > 0) this.#upgrades.serve(this.#clock.now());
    if (this.#retries.size > 0) this.#retries.serve(this.#clock.now());
    // Nobody's dials are put off where nobody waits: those that have given up have told no one.
    if (this.#hashed.size > 0) this.#hashed.serve(this.#clock.now());
    else pace.deferBound(0);
    this.#serveWaiting();
    if (this.#waiting.size > 0) this.dial();
    else pace.defer(0);
    if (this.#waiting.size + this.#hashed.size === 0) pace.rest();
    this.#onServed();
  }

  /** Serves those that wait for any endpoint, and that came before a moment. */
  #serveWaiting(before = Number.POSITIVE_INFINITY): void {
    for (let { first } = this.#waiting; first !== undefined; first = this.#waiting.first) {
      if (first.moment >= before) return;
      const now = this.#clock.now();
      const endpoint = this.#pool.balancer.pick(now);
      if (endpoint === undefined) return;
      this.#waiting.shift();
      this.#movedAt = now;
      first.run((call) => this.#attempts.start(call, endpoint));
    }
  }

  /** Has connections made for those that wait; fails them if that is hopeless, with `error` or the last one. */
  dial(error?: Error): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (this.#pool.plan.dialFor(this.#waiting.size, first.moment) || this.#pool.awaitsNews) return;
      this.#waiting.shift();
      const { lastError, lastFailure } = this.#pool.dials;
      const reason = error ?? lastError ?? lastFailure ?? noEndpoints(this.#pool, this.#discovery.error, 0);
      first.run((call) => call.fail(reason));
    }
  }

  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: Pod, error: Error): void {
    const now = this.#clock.now();
    this.#upgrades.onUnavailable(endpoint, now);
    if (this.#hashed.size > 0) this.#hashed.serve(now);
    this.dial(error);
  }

  /** There is another set of endpoints. */
  onUpdate(): void {
    this.serve();
  }

  /** Fails all that wait now, or have since that time: a caller who is told may ask again at once. */
  failAll(error: Error, since = Number.POSITIVE_INFINITY): void {
    for (const waiter of this.#all()) if (waiter.since <= since) this.#fail(waiter, error);
  }

  #all(): Waiter[] {
    return [...this.#waiting, ...this.#retries, ...this.#upgrades, ...this.#hashed];
  }

  stop(): void {
    this.#check?.cancel();
  }

  /** Keeps the process alive while somebody waits: all else it waits for may be unref'd. */
  #checkLater(): void {
    if (this.#check !== undefined) return;
    this.#checkDue = this.#clock.now() + CHECK;
    this.#check = this.#clock.schedule(() => this.#checkAll(), CHECK, true);
  }

  #checkAll(): void {
    this.#check = undefined;
    const now = this.#clock.now();
    const late = now - this.#checkDue;
    // A process that was stopped, or had no CPU, could not have served anybody.
    if (late < CHECK) this.#failOverdue(now);
    else this.#forgive(late, now);
    if (late < CHECK) this.#lookElsewhere();
    const { first } = this.#waiting;
    if (first !== undefined) this.#pool.plan.hedge(first.moment);
    this.#hashed.hurry(now);
    if (this.size > 0) this.#checkLater();
    this.serveSoon();
  }

  /** Where a call has waited for a while for the first connection to come, there may be another way. */
  #lookElsewhere(): void {
    const { set, dials } = this.#pool;
    const isSlow = this.size > 0 && !set.isConnected && dials.fresh > 0;
    if (isSlow && this.#settings.comparesFamilies) this.#discovery.onSlow();
  }

  /** Takes time off the waits in which nobody could be served, down to a moment before they end. */
  #forgive(late: number, now: number): void {
    const longest = Math.min(this.#longest, this.#pool.dials.longest);
    for (const waiter of this.#all()) waiter.forgive(late, now, longest);
    this.#movedAt = Math.min(this.#movedAt + late, now);
  }

  /** Whether endpoints are dialled, or have yet to say how much they take, or may be known in a moment. */
  get #isHopeful(): boolean {
    const { dials, set, awaitsNews, isKnown } = this.#pool;
    return dials.size > 0 || set.isOpening || awaitsNews || !isKnown;
  }

  /** Milliseconds that a request may wait, as things are. */
  get #longest(): number {
    const { endpointTimeout, newsTimeout } = this.#settings;
    return this.#isHopeful ? endpointTimeout : newsTimeout;
  }

  #failOverdue(now: number): void {
    const { dials, set, capacity, plan } = this.#pool;
    const longest = this.#longest;
    // Where nobody can be connected to, undici gives up whoever has waited for as long as a dial may take.
    const failure = set.isConnected || !this.#isHopeful ? undefined : dials.lastFailure;
    const failAfter = (waiter: Waiter, most: number, movedAt = Number.NEGATIVE_INFINITY) => {
      const waited = Math.min(waiter.waited(now), now - movedAt);
      if (failure !== undefined && waited >= dials.longest) this.#fail(waiter, failure);
      else if (waited >= most) this.#fail(waiter, noEndpoints(this.#pool, this.#discovery.error, most));
    };
    // Where no more connections may be made, or not yet, the wait is for those there are, and as long as it takes.
    const waitsForThose = capacity.isSaturated || plan.pace.deferred > 0;
    const most = waitsForThose ? Number.POSITIVE_INFINITY : longest;
    // A line that moves comes to its end, however little each connection carries: stock's has no other measure.
    for (const waiter of [...this.#waiting]) failAfter(waiter, most, this.#movedAt);
    for (const waiter of [...this.#retries]) failAfter(waiter, most);
    for (const waiter of [...this.#upgrades, ...this.#hashed.unserved()]) failAfter(waiter, longest);
  }

  #fail({ call, run }: Waiter, error: Error): void {
    this.remove(call);
    run(() => call.fail(error));
  }
}
