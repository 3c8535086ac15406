import { backoff, USUAL } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import { Patience } from '../base/patience.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import { BACKING_OFF } from '../endpoints/reasons.ts';
import type { Connection, Pod } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { Dial, Transport } from './transport.ts';
import type { Wire } from './wire.ts';

/** How often evenkeel checks whether only dials keep the process alive, in milliseconds. */
const CHECK_INTERVAL = 700;

/**
 * A dial that is under way. At first it is fresh. If it takes too long, it is overdue: its endpoint counts as
 * unreachable, and other endpoints are used. The dial goes on for as long as a stock client's would. If it succeeds, it
 * serves requests that found no other endpoint.
 */
interface DialUnderWay {
  /** How much it counts as load of its endpoint. */
  load: number;
  /** `undefined` while the dial begins: a connector of the user's may end everything at that moment. */
  dial: Dial | undefined;
  /** The timer after which it is overdue, or ends. */
  deadline: Timer | undefined;
  overdue: boolean;
}

export interface DialsOptions {
  transport: Transport;
  board: PickerBoard<Pod>;
  demand: Demand;
  clock: Clock;
  random: () => number;
}

/** The dials under way, and the endpoints whose dials have failed. */
export class Dials {
  readonly #events: ConnectionEvents<Connection>;
  readonly #transport: Transport;
  readonly #board: PickerBoard<Pod>;
  readonly #demand: Demand;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #underWay = new Map<DialUnderWay, Pod>();
  /** Endpoints whose last dial failed, in the order of the failures: the oldest first. */
  readonly #failed = new Set<Pod>();
  #check: Timer | undefined;
  #moments = 0;
  #overdue = 0;
  #lastFailure: Error | undefined;

  constructor(
    events: ConnectionEvents<Connection>,
    { transport, board, demand, clock, random }: DialsOptions,
  ) {
    this.#events = events;
    this.#transport = transport;
    this.#board = board;
    this.#demand = demand;
    this.#clock = clock;
    this.#random = random;
  }

  /** How many dials are under way. */
  get size(): number {
    return this.#underWay.size;
  }

  /** How many dials are fresh: they may end well soon. */
  get fresh(): number {
    return this.#underWay.size - this.#overdue;
  }

  /** How many endpoints can't be reached now. */
  get failing(): number {
    return this.#failed.size;
  }

  /** Why the last dial failed, while its endpoint still backs off. */
  get lastError(): Error | undefined {
    let last: Error | undefined;
    for (const { backoff } of this.#failed) last = backoff?.error;
    return last;
  }

  /** Why no endpoint could be connected lately, if none could. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /**
   * After how many milliseconds a stock client would fail a call that waits for a dial. `Infinity` if no dial becomes
   * overdue, or without a limit.
   */
  get longest(): number {
    const { timeout, patience } = this.#transport;
    return timeout > patience ? timeout : Number.POSITIVE_INFINITY;
  }

  /** A number that orders waiting requests and failed dials by time. */
  moment(): number {
    return ++this.#moments;
  }

  /** Dials an endpoint for a request that gets the connection, or probably will soon. */
  dial(endpoint: Pod): void {
    this.#board.pickers.dialable.used(endpoint);
    this.start(endpoint);
  }

  /** Dials an endpoint. @param load counts as load of the endpoint; 1 if a request gets the connection */
  start(endpoint: Pod, load = 1): void {
    endpoint.dialing++;
    endpoint.addLoad(load);
    endpoint.update();
    const entry: DialUnderWay = { load, dial: undefined, deadline: undefined, overdue: false };
    this.#underWay.set(entry, endpoint);
    const dial = this.#transport.dial(endpoint, (error, wire) => {
      const { overdue } = entry;
      this.#end(entry);
      if (wire !== undefined) this.#onConnected(endpoint, wire);
      else this.#onFailed(endpoint, error!, overdue);
    });
    if (!this.#underWay.has(entry)) {
      dial.abandon();
      return;
    }
    entry.dial = dial;
    dial.unref();
    const { timeout, patience } = this.#transport;
    entry.deadline =
      timeout === patience
        ? new Patience(this.#clock, () => dial.timeOut(), timeout)
        : new Patience(this.#clock, () => this.#onOverdue(entry, dial, endpoint), patience);
    this.#check ??= this.#checkLater();
  }

  #onOverdue(entry: DialUnderWay, dial: Dial, endpoint: Pod): void {
    const { timeout, patience } = this.#transport;
    entry.deadline =
      timeout > 0 ? new Patience(this.#clock, () => dial.timeOut(), timeout - patience) : undefined;
    entry.overdue = true;
    this.#overdue++;
    endpoint.dialing--;
    endpoint.overdue++;
    this.#backOff(endpoint, dial.timeoutError());
  }

  /** The endpoints that failed before `moment`, the oldest failure first. */
  *failedBefore(moment: number): Generator<Pod> {
    for (const endpoint of this.#failed) {
      if (endpoint.backoff!.failedAt > moment) return;
      yield endpoint;
    }
  }

  /** How many endpoints have failed since `moment`. */
  failedSince(moment: number): number {
    let before = 0;
    for (const _ of this.failedBefore(moment)) before++;
    return this.#failed.size - before;
  }

  /** Counts a failure that something other than a dial has found. */
  fail(endpoint: Pod, error: Error): void {
    this.#onFailed(endpoint, error, false);
  }

  /** Gives up the dials to one endpoint, or all dials, and forgets the failures. */
  abandon(endpoint?: Pod): void {
    for (const [entry, dialled] of this.#underWay) {
      if (endpoint === undefined || dialled === endpoint) this.#abandon(entry, dialled);
    }
    for (const failed of endpoint === undefined ? this.#failed : [endpoint]) this.#forget(failed);
  }

  /** Even an unref'd connect keeps the process alive while it is pending. So dials are given up if nothing needs them. */
  #checkLater(): Timer {
    return this.#clock.schedule(() => {
      this.#check = undefined;
      if (this.#demand.total === 0 && !this.#transport.isProcessHeld()) this.#abandonAll();
      else if (this.size > 0) this.#check = this.#checkLater();
    }, CHECK_INTERVAL);
  }

  #abandonAll(): void {
    for (const [entry, endpoint] of this.#underWay) this.#abandon(entry, endpoint);
  }

  #abandon(entry: DialUnderWay, endpoint: Pod): void {
    entry.dial?.abandon();
    this.#end(entry);
    this.#events.onDialAbandoned(endpoint);
  }

  #end(entry: DialUnderWay): void {
    const endpoint = this.#underWay.get(entry)!;
    this.#underWay.delete(entry);
    entry.deadline?.cancel();
    endpoint.addLoad(-entry.load);
    if (entry.overdue) {
      this.#overdue--;
      endpoint.overdue--;
    } else {
      endpoint.dialing--;
    }
  }

  #onConnected(endpoint: Pod, wire: Wire): void {
    this.#forget(endpoint);
    this.#lastFailure = undefined;
    if (endpoint.dialFailures > 0) this.#unload(endpoint);
    endpoint.dialFailures = 0;
    this.#events.onConnected(endpoint, wire);
  }

  /** The endpoint was reached. Older dials that still hang no longer count as its load. */
  #unload(endpoint: Pod): void {
    for (const [entry, dialled] of this.#underWay) {
      if (dialled !== endpoint) continue;
      endpoint.addLoad(-entry.load);
      entry.load = 0;
    }
  }

  #onFailed(endpoint: Pod, error: Error, overdue: boolean): void {
    // If the dial was overdue, its endpoint backs off already.
    if (overdue) this.#lastFailure &&= error;
    else this.#backOff(endpoint, error);
    this.#events.onDialFailed(endpoint, error);
  }

  #backOff(endpoint: Pod, error: Error): void {
    endpoint.backoff?.timer.cancel();
    // The endpoint moves to the end of the order.
    this.#failed.delete(endpoint);
    this.#lastFailure = error;
    const delay = backoff(endpoint.dialFailures++, USUAL, this.#random);
    const timer = this.#clock.schedule(() => {
      this.#forget(endpoint);
      this.#events.onBackoffOver(endpoint);
    }, delay);
    endpoint.backoff = { failedAt: this.moment(), error, timer };
    this.#failed.add(endpoint);
    endpoint.bar(BACKING_OFF);
    this.#events.onUnreached(endpoint, error);
  }

  #forget(endpoint: Pod): void {
    endpoint.backoff?.timer.cancel();
    endpoint.backoff = undefined;
    this.#failed.delete(endpoint);
    endpoint.lift(BACKING_OFF);
  }
}
