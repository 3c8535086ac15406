import { type Clock, queueMicrotask } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import { QueueFullError } from '../base/errors.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Waiters } from '../endpoints/board.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import type { HashLine } from './hash-line.ts';
import { Lines } from './lines.ts';
import { noEndpoints } from './no-endpoints.ts';
import type { RetryLine } from './retry-line.ts';
import type { CallSettings } from './settings.ts';
import type { UpgradeLine } from './upgrade-line.ts';
import { WaitLimits } from './wait-limits.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface QueueOptions {
  pool: Pool;
  attempts: Attempts;
  discovery: Pick<Discovery, 'demand' | 'error' | 'onSlow'>;
  demand: Demand;
  settings: CallSettings & { readonly clock: Clock };
  /** Called when every call that could be served has been served. */
  onServed: () => void;
}

/** The calls of a service that wait: lets them wait, dials for them, and serves each as soon as an endpoint can. */
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
  readonly #lines: Lines;
  readonly #waiting: WaitingLine;
  readonly #upgrades: UpgradeLine;
  readonly #retries: RetryLine;
  readonly #hashed: HashLine;
  readonly #limits: WaitLimits;
  #serving = false;

  constructor({ pool, attempts, discovery, demand, settings, onServed }: QueueOptions) {
    this.#pool = pool;
    this.#attempts = attempts;
    this.#discovery = discovery;
    this.#demand = demand;
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#onServed = onServed;
    const lines = new Lines(pool, attempts, demand, settings.ringHash.balanceFactor, (before) =>
      this.#serveWaiting(before),
    );
    const onLooked = () => this.serveSoon();
    this.#lines = lines;
    this.#waiting = lines.waiting;
    this.#upgrades = lines.upgrades;
    this.#retries = lines.retries;
    this.#hashed = lines.hashed;
    this.#limits = new WaitLimits({ pool, lines, demand, discovery, settings, onLooked });
    pool.board.serveTo(this);
  }

  get size(): number {
    return this.#demand.waiting;
  }

  get isAwaited(): boolean {
    return this.size > 0 || this.awaitsEnd;
  }

  /** Whether a new call has to wait behind others. */
  get isBusy(): boolean {
    return this.#demand.waiting > 0 && this.#waiting.size > 0;
  }

  /** The endpoint that serves a call with a key at once; none if the call has to wait. */
  pickByKey(call: Call, now: number): Pod | undefined {
    // Waiting calls without a key came before this one, and take any endpoint.
    if (this.isBusy) this.#serveWaiting();
    return this.#hashed.pick(call, now);
  }

  /** Whether no more calls may wait. A call for which a dial has begun, or begins soon, doesn't count. */
  get isFull(): boolean {
    const { maxPendingRequests } = this.#settings;
    const { dials, plan, capacity } = this.#pool;
    const undialled = this.size - dials.size;
    if (undialled < maxPendingRequests) return false;
    return undialled - capacity.connectable(plan.pace.deferred) >= maxPendingRequests;
  }

  /** Lets a call wait, or refuses it if too many wait. */
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

  /** Lets a call wait again that had its turn, and was not sent. */
  addAgain(call: Call): void {
    this.#add(call, true);
    this.serveSoon();
  }

  /** Lets a call wait for another endpoint than those that have failed it. */
  addRetry(call: Call): void {
    this.#retries.add(call, this.#clock.now());
    this.#limits.start();
    this.serveSoon();
  }

  #add(call: Call, back: boolean): void {
    const now = this.#clock.now();
    const line = this.#lines.lineFor(call);
    if (line === this.#hashed) this.#hashed.add(call, now);
    else if (line === this.#upgrades) this.#upgrades.add(call, now);
    else this.#waiting.add(call, now, this.#pool.dials.moment(), back);
    if (!line.has(call)) return;
    call.begin();
    if (!line.has(call)) return;
    this.#limits.start();
    if (this.#pool.set.current.size === 0) this.#discovery.demand();
    if (line === this.#waiting) this.dial();
  }

  /** Removes a call, if it waits. */
  remove(call: Call): void {
    this.#lines.remove(call);
    this.#rest();
  }

  /** Serves waiting calls in a microtask: by then, undici has decided what happens to the socket just released. */
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
    // If no call waits, no dial is deferred. Calls that were given up didn't say so.
    if (this.#hashed.size > 0) this.#hashed.serve(this.#clock.now());
    else pace.deferBound(0);
    this.#serveWaiting();
    if (this.#waiting.size > 0) this.dial();
    else pace.defer(0);
    if (this.#waiting.size + this.#hashed.size === 0) pace.rest();
    this.#rest();
    this.#onServed();
  }

  /** Serves the calls that wait for any endpoint, as far as they came before a moment. */
  #serveWaiting(before = Number.POSITIVE_INFINITY): void {
    for (let { first } = this.#waiting; first !== undefined; first = this.#waiting.first) {
      if (first.moment >= before) return;
      const now = this.#clock.now();
      const endpoint = this.#pool.balancer.pick(now, first.call);
      if (endpoint === undefined) return;
      this.#waiting.shift();
      this.#lines.movedAt = now;
      first.run((call) => this.#attempts.start(call, endpoint));
    }
  }

  /** Dials for the waiting calls. If there is no hope, fails them with `error`, or with the last error. */
  dial(error?: Error): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (this.#pool.plan.dialFor(this.#waiting.size, first.moment) || this.#pool.awaitsNews) return;
      this.#waiting.shift();
      const { lastError, lastFailure } = this.#pool.dials;
      const reason = error ?? lastError ?? lastFailure ?? noEndpoints(this.#pool, this.#discovery.error, 0);
      first.run((call) => call.fail(reason));
    }
    this.#rest();
  }

  #rest(): void {
    if (this.#demand.waiting === 0) this.#limits.rest();
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

  /** Fails the calls that wait, or those that have waited since `since`. A caller may make a new call at once. */
  failAll(error: Error, since = Number.POSITIVE_INFINITY): void {
    for (const waiter of this.#lines.all()) if (waiter.since <= since) this.#lines.fail(waiter, error);
    this.#rest();
  }

  /** Fails the first call that has waited since `since`. The others wait on. */
  failFirst(error: Error, since: number): void {
    for (const waiter of this.#lines.all()) {
      if (waiter.since > since) continue;
      this.#lines.fail(waiter, error);
      break;
    }
    this.#rest();
  }

  stop(): void {
    this.#limits.stop();
  }
}
