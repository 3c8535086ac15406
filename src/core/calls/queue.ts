import type { Settings } from '../../config/settings.ts';
import type { Exchange } from '../../transports/undici/exchange.ts';
import { queueMicrotask, type Timer } from '../base/clock.ts';
import { QueueFullError } from '../base/errors.ts';
import type { EndpointPool } from '../connections/endpoint-pool.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { HashLine } from './hash-line.ts';
import { RetryLine } from './retry-line.ts';
import { UpgradeLine } from './upgrade-line.ts';
import { type Waiter, WaitingLine } from './waiting.ts';

/** What the queue asks of its service. */
export interface QueueOwner {
  readonly url: URL;
  /** Sends a request to an endpoint that has a connection for it. */
  start(exchange: Exchange, endpoint: Endpoint): void;
  /** Why a request is failed for which there has been no endpoint for so many milliseconds. */
  noEndpoints(timeout: number): Error;
  /** Somebody waits, and no endpoint is known. */
  onNobodyKnown(): void;
  /** Somebody waits for the first connection to come. */
  onSlow(): void;
  /** Whoever could be served has been. */
  onServed(): void;
}

/** How often those that wait are looked after. */
const CHECK = 250;
/** Milliseconds that are left to those that wait when this process goes on after it was stopped. */
const GRACE = 1_000;

/**
 * The requests of a service that wait: for any connection, for a socket of their own, or for another
 * endpoint than those that have failed them.
 */
export class Queue {
  readonly #pool: EndpointPool;
  readonly #settings: Settings;
  readonly #owner: QueueOwner;
  readonly #waiting = new WaitingLine();
  readonly #upgrades: UpgradeLine;
  readonly #retries: RetryLine;
  readonly #hashed: HashLine;
  #serving = false;
  #check: Timer | undefined;
  #checkDue = 0;

  constructor(pool: EndpointPool, settings: Settings, owner: QueueOwner) {
    this.#pool = pool;
    this.#settings = settings;
    this.#owner = owner;
    const start = (exchange: Exchange, endpoint: Endpoint) => owner.start(exchange, endpoint);
    this.#upgrades = new UpgradeLine(pool, start);
    this.#retries = new RetryLine(pool, start);
    this.#hashed = new HashLine(pool, settings.ringHash.balanceFactor, start, (before) =>
      this.#serveWaiting(before),
    );
  }

  get size(): number {
    return this.#waiting.size + this.#upgrades.size + this.#retries.size + this.#hashed.size;
  }

  /** Whether those that come have to wait behind others. */
  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  /** The endpoint to serve a request that has a key at once; none if it has to wait. */
  pickByKey(exchange: Exchange, now: number): Endpoint | undefined {
    // Those without a key that wait came before it, and may have any endpoint.
    if (this.isBusy) this.#serveWaiting();
    return this.#hashed.pick(exchange, now);
  }

  /** Whether no more may wait. Those for which a connection is being made, or will be in a moment, don't count. */
  get isFull(): boolean {
    const { maxPendingRequests } = this.#settings;
    const { dials, plan, admission } = this.#pool;
    const undialled = this.size - dials.size;
    if (undialled < maxPendingRequests) return false;
    return undialled - admission.connectable(plan.pace.deferred) >= maxPendingRequests;
  }

  /** Takes a request in, or refuses it if too many wait. */
  add(exchange: Exchange): void {
    if (!this.isFull) {
      this.#add(exchange, false);
      return;
    }
    const { maxPendingRequests } = this.#settings;
    exchange.fail(
      new QueueFullError(
        `${this.size} requests wait for ${this.#owner.url.origin}, no more than ${maxPendingRequests} may`,
      ),
    );
  }

  /** Takes a request in that had its turn, and was not sent. */
  addAgain(exchange: Exchange): void {
    this.#add(exchange, true);
    this.serveSoon();
  }

  /** Takes a request in that endpoints have failed. */
  addRetry(exchange: Exchange): void {
    this.#retries.add(exchange, this.#settings.clock.now());
    this.#checkLater();
    this.serveSoon();
  }

  #add(exchange: Exchange, inFront: boolean): void {
    const now = this.#settings.clock.now();
    const line = this.#lineFor(exchange);
    if (line === this.#hashed) this.#hashed.add(exchange, now);
    else if (line === this.#upgrades) this.#upgrades.add(exchange, now);
    else this.#waiting.add(exchange, now, this.#pool.dials.moment(), inFront);
    if (!line.has(exchange)) return;
    exchange.begin();
    if (!line.has(exchange)) return;
    this.#checkLater();
    if (this.#pool.set.current.size === 0) this.#owner.onNobodyKnown();
    if (line === this.#waiting) this.dial();
  }

  #lineFor({ keyHash, lasting }: Exchange): HashLine | UpgradeLine | WaitingLine {
    if (keyHash >= 0) return this.#hashed;
    return lasting ? this.#upgrades : this.#waiting;
  }

  /** Takes a request out, if it waits. */
  remove(exchange: Exchange): void {
    this.#waiting.remove(exchange);
    this.#upgrades.remove(exchange);
    this.#retries.remove(exchange);
    this.#hashed.remove(exchange);
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
    const { clock } = this.#settings;
    const { pace } = this.#pool.plan;
    if (this.#upgrades.size > 0) this.#upgrades.serve(clock.now());
    if (this.#retries.size > 0) this.#retries.serve(clock.now());
    // Nobody's dials are put off where nobody waits: those that have given up have told no one.
    if (this.#hashed.size > 0) this.#hashed.serve(clock.now());
    else pace.deferBound(0);
    this.#serveWaiting();
    if (this.#waiting.size > 0) this.dial();
    else pace.defer(0);
    if (this.#waiting.size + this.#hashed.size === 0) pace.rest();
    this.#owner.onServed();
  }

  /** Serves those that wait for any endpoint, and that came before a moment. */
  #serveWaiting(before = Number.POSITIVE_INFINITY): void {
    for (let { first } = this.#waiting; first !== undefined; first = this.#waiting.first) {
      if (first.moment >= before) return;
      const endpoint = this.#pool.balancer.pick(this.#settings.clock.now());
      if (endpoint === undefined) return;
      this.#waiting.shift();
      first.run((exchange) => this.#owner.start(exchange, endpoint));
    }
  }

  /** Has connections made for those that wait; fails them if that is hopeless, with `error` or the last one. */
  dial(error?: Error): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (this.#pool.plan.dialFor(this.#waiting.size, first.moment) || this.#pool.awaitsNews) return;
      this.#waiting.shift();
      const { lastError, lastFailure } = this.#pool.dials;
      const reason = error ?? lastError ?? lastFailure ?? this.#owner.noEndpoints(0);
      first.run((exchange) => exchange.fail(reason));
    }
  }

  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: Endpoint, error: Error): void {
    const now = this.#settings.clock.now();
    this.#upgrades.onUnavailable(endpoint, now);
    if (this.#hashed.size > 0) this.#hashed.serve(now);
    this.dial(error);
  }

  /** There is another set of endpoints. */
  onUpdate(): void {
    this.#upgrades.rebind();
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
    const { clock } = this.#settings;
    this.#checkDue = clock.now() + CHECK;
    this.#check = clock.schedule(() => this.#checkAll(), CHECK, true);
  }

  #checkAll(): void {
    this.#check = undefined;
    const now = this.#settings.clock.now();
    const late = now - this.#checkDue;
    // A process that was stopped, or had no CPU, could not have served anybody.
    if (late < CHECK) {
      this.#failOverdue(now);
      if (this.size > 0 && !this.#pool.set.isConnected && this.#pool.dials.fresh > 0) this.#owner.onSlow();
    } else {
      this.#forgive(late, now);
    }
    const { first } = this.#waiting;
    if (first !== undefined) this.#pool.plan.hedge(first.moment);
    this.#hashed.hurry(now);
    if (this.size > 0) this.#checkLater();
    this.serveSoon();
  }

  /** Takes time off the waits in which nobody could be served, down to a moment before they end. */
  #forgive(late: number, now: number): void {
    const longest = Math.min(this.#longest, this.#pool.dials.longest);
    for (const waiter of this.#all()) {
      const toEnd = now - waiter.since - waiter.forgiven - longest + GRACE;
      waiter.forgiven += Math.max(0, Math.min(late, toEnd));
    }
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
    const { dials, set, admission, plan } = this.#pool;
    const longest = this.#longest;
    // Where nobody can be connected to, undici gives up whoever has waited for as long as a dial may take.
    const failure = set.isConnected || !this.#isHopeful ? undefined : dials.lastFailure;
    const failAfter = (waiter: Waiter, most: number) => {
      const waited = now - waiter.since - waiter.forgiven;
      if (failure !== undefined && waited >= dials.longest) this.#fail(waiter, failure);
      else if (waited >= most) this.#fail(waiter, this.#owner.noEndpoints(most));
    };
    // Where no more connections may be made, or not yet, the wait is for those there are, and as long as it takes.
    const waitsForThose = admission.isSaturated || plan.pace.deferred > 0;
    const most = waitsForThose ? Number.POSITIVE_INFINITY : longest;
    for (const waiter of [...this.#waiting, ...this.#retries]) failAfter(waiter, most);
    for (const waiter of [...this.#upgrades, ...this.#hashed.unserved()]) failAfter(waiter, longest);
  }

  #fail({ exchange, run }: Waiter, error: Error): void {
    this.remove(exchange);
    run(() => exchange.fail(error));
  }
}
