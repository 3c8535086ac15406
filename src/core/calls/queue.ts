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
  /** Called when every request that could be served has been served. */
  onServed: () => void;
}

/** Milliseconds from one look at the waiting requests to the next. */
const CHECK = 250;

/** The requests of a service that wait: for any connection, for a socket of their own, or for another endpoint. */
export class Queue implements Waiters {
  /** Whether other code waits for calls to end. */
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
  /** When a request that waited for any endpoint last got one. */
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

  /** Whether a new request has to wait behind others. */
  get isBusy(): boolean {
    return this.#demand.waiting > 0 && this.#waiting.size > 0;
  }

  /** The endpoint that serves a request with a key at once; none if the request has to wait. */
  pickByKey(call: Call, now: number): Pod | undefined {
    // Waiting requests without a key came before this one, and take any endpoint.
    if (this.isBusy) this.#serveWaiting();
    return this.#hashed.pick(call, now);
  }

  /** Whether no more requests may wait. A request for which a dial has begun, or begins soon, doesn't count. */
  get isFull(): boolean {
    const { maxPendingRequests } = this.#settings;
    const { dials, plan, capacity } = this.#pool;
    const undialled = this.size - dials.size;
    if (undialled < maxPendingRequests) return false;
    return undialled - capacity.connectable(plan.pace.deferred) >= maxPendingRequests;
  }

  /** Lets a request wait, or refuses it if too many wait. */
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

  /** Lets a request wait again that had its turn, and was not sent. */
  addAgain(call: Call): void {
    this.#add(call, true);
    this.serveSoon();
  }

  /** Lets a request wait for another endpoint than those that have failed it. */
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

  /** Removes a request, if it waits. */
  remove(call: Call): void {
    this.#waiting.remove(call);
    this.#upgrades.remove(call);
    this.#retries.remove(call);
    this.#hashed.remove(call);
  }

  /** Serves waiting requests in a microtask: by then, undici has decided what happens to the socket just released. */
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
    // If no request waits, no dial is deferred. Requests that were given up didn't say so.
    if (this.#hashed.size > 0) this.#hashed.serve(this.#clock.now());
    else pace.deferBound(0);
    this.#serveWaiting();
    if (this.#waiting.size > 0) this.dial();
    else pace.defer(0);
    if (this.#waiting.size + this.#hashed.size === 0) pace.rest();
    this.#onServed();
  }

  /** Serves the requests that wait for any endpoint, as far as they came before a moment. */
  #serveWaiting(before = Number.POSITIVE_INFINITY): void {
    for (let { first } = this.#waiting; first !== undefined; first = this.#waiting.first) {
      if (first.moment >= before) return;
      const now = this.#clock.now();
      const endpoint = this.#pool.balancer.pick(now, first.call);
      if (endpoint === undefined) return;
      this.#waiting.shift();
      this.#movedAt = now;
      first.run((call) => this.#attempts.start(call, endpoint));
    }
  }

  /** Dials for the waiting requests. If there is no hope, fails them with `error`, or with the last error. */
  dial(error?: Error): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (this.#pool.plan.dialFor(this.#waiting.size, first.moment) || this.#pool.awaitsNews) return;
      this.#waiting.shift();
      const { lastError, lastFailure } = this.#pool.dials;
      const reason = error ?? lastError ?? lastFailure ?? noEndpoints(this.#pool, this.#discovery.error, 0);
      first.run((call) => call.fail(reason));
    }
  }

  /** An endpoint can't be reached for a while. */
  onUnreached(endpoint: Pod, error: Error): void {
    const now = this.#clock.now();
    this.#upgrades.onUnavailable(endpoint, now);
    if (this.#hashed.size > 0) this.#hashed.serve(now);
    this.dial(error);
  }

  /** Discovery has brought a new set of endpoints. */
  onUpdate(): void {
    this.serve();
  }

  /** Fails the requests that wait, or those that have waited since `since`. A caller may send a new request at once. */
  failAll(error: Error, since = Number.POSITIVE_INFINITY): void {
    for (const waiter of this.#all()) if (waiter.since <= since) this.#fail(waiter, error);
  }

  #all(): Waiter[] {
    return [...this.#waiting, ...this.#retries, ...this.#upgrades, ...this.#hashed];
  }

  stop(): void {
    this.#check?.cancel();
  }

  /** A timer that keeps the process alive while a request waits. All else that the request waits for may be unref'd. */
  #checkLater(): void {
    if (this.#check !== undefined) return;
    this.#checkDue = this.#clock.now() + CHECK;
    this.#check = this.#clock.schedule(() => this.#checkAll(), CHECK, true);
  }

  #checkAll(): void {
    this.#check = undefined;
    const now = this.#clock.now();
    const late = now - this.#checkDue;
    // If this process was stopped, or had no CPU, it could not have served any request.
    if (late < CHECK) this.#failOverdue(now);
    else this.#forgive(late, now);
    if (late < CHECK) this.#lookElsewhere(now);
    const { first } = this.#waiting;
    if (first !== undefined) this.#pool.plan.hedge(first.moment);
    this.#hashed.hurry(now);
    if (this.size > 0) this.#checkLater();
    this.serveSoon();
  }

  /** If dials are slow, and nobody is served by what is connected, whose pods may be gone, discovery may know another way. */
  #lookElsewhere(now: number): void {
    const { set, dials } = this.#pool;
    if (this.size === 0 || dials.fresh === 0 || !this.#settings.comparesFamilies) return;
    const stuck = Math.min(this.#waiting.first?.waited(now) ?? 0, now - this.#movedAt);
    if (!set.isConnected || stuck >= CHECK) this.#discovery.onSlow();
  }

  /** Takes time off the waits in which this process could serve nothing, down to a moment before their end. */
  #forgive(late: number, now: number): void {
    const longest = Math.min(this.#longest, this.#pool.dials.longest);
    for (const waiter of this.#all()) waiter.forgive(late, now, longest);
    this.#movedAt = Math.min(this.#movedAt + late, now);
  }

  /** Whether dials are under way, a connection has yet to say how much it takes, or discovery may bring endpoints soon. */
  get #isHopeful(): boolean {
    const { dials, set, awaitsNews, isKnown } = this.#pool;
    return dials.size > 0 || set.isOpening || awaitsNews || !isKnown;
  }

  /** How many milliseconds a request may wait, in the present situation. */
  get #longest(): number {
    const { endpointTimeout, newsTimeout } = this.#settings;
    return this.#isHopeful ? endpointTimeout : newsTimeout;
  }

  #failOverdue(now: number): void {
    const { dials, set, capacity, plan } = this.#pool;
    const longest = this.#longest;
    // If no endpoint can be connected, undici fails a request when a dial has taken its full time. So does evenkeel.
    const failure = set.isConnected || !this.#isHopeful ? undefined : dials.lastFailure;
    const failAfter = (waiter: Waiter, most: number, movedAt = Number.NEGATIVE_INFINITY) => {
      const waited = Math.min(waiter.waited(now), now - movedAt);
      if (failure !== undefined && waited >= dials.longest) this.#fail(waiter, failure);
      else if (waited >= most) this.#fail(waiter, noEndpoints(this.#pool, this.#discovery.error, most));
    };
    // If no more connections may be made, or not yet, requests wait for the existing ones, without a limit.
    const waitsForThose = capacity.isSaturated || plan.pace.deferred > 0;
    const most = waitsForThose ? Number.POSITIVE_INFINITY : longest;
    // While this line moves, each request gets its turn. undici has no other limit for it either.
    for (const waiter of [...this.#waiting]) failAfter(waiter, most, this.#movedAt);
    for (const waiter of [...this.#retries]) failAfter(waiter, most);
    for (const waiter of [...this.#upgrades, ...this.#hashed.unserved()]) failAfter(waiter, longest);
  }

  #fail({ call, run }: Waiter, error: Error): void {
    this.remove(call);
    run(() => call.fail(error));
  }
}
