import type { Socket } from 'node:net';
import type { Dial, Dialer } from '../../transports/undici/dialer.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Patience } from '../base/patience.ts';
import { isProcessHeld } from '../base/process-hold.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';

/** How often it is looked whether dials are all that keeps the process alive. */
const CHECK_INTERVAL = 700;
const FIRST_BACKOFF = 1_000;
const BACKOFF_FACTOR = 1.6;
const LONGEST_BACKOFF = 30_000;

/**
 * A dial that goes on. It is fresh at first. One that has not ended in good time is overdue: its endpoint counts as
 * one that can't be reached, so that others are used, though the dial goes on for as long as undici's would. Whoever
 * has nobody else is served by it, if it succeeds.
 */
interface DialUnderWay {
  /** What it counts for as load. */
  load: number;
  /** `undefined` while it begins: a connector of the user's may end everything then. */
  dial: Dial | undefined;
  /** When it is overdue, or ends. */
  deadline: Timer | undefined;
  overdue: boolean;
}

/** What dials tell the pool, and ask of it. */
export interface DialsOwner {
  /** Requests that wait or are in flight. */
  readonly demand: number;
  onConnected(endpoint: Endpoint, socket: Socket): void;
  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: Endpoint, error: Error): void;
  /** A dial has ended in vain. */
  onDialFailed(endpoint: Endpoint, error: Error): void;
  onDialAbandoned(endpoint: Endpoint): void;
  /** An endpoint whose dial had failed may be dialled again unasked. */
  onBackoffOver(endpoint: Endpoint): void;
}

/** The dials under way, and the endpoints whose dials have failed. */
export class Dials {
  readonly #owner: DialsOwner;
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #underWay = new Map<DialUnderWay, Endpoint>();
  /** In the order of the failures, the longest ago first. */
  readonly #failed = new Set<Endpoint>();
  #check: Timer | undefined;
  #moments = 0;
  #overdue = 0;
  #lastFailure: Error | undefined;

  constructor(owner: DialsOwner, dialer: Dialer, clock: Clock, random: () => number) {
    this.#owner = owner;
    this.#dialer = dialer;
    this.#clock = clock;
    this.#random = random;
  }

  /** How many are under way. */
  get size(): number {
    return this.#underWay.size;
  }

  /** How many of them may well end soon. */
  get fresh(): number {
    return this.#underWay.size - this.#overdue;
  }

  /** How many endpoints can't be reached now. */
  get failing(): number {
    return this.#failed.size;
  }

  /** Why the last dial failed, while that matters. */
  get lastError(): Error | undefined {
    let last: Error | undefined;
    for (const { backoff } of this.#failed) last = backoff?.error;
    return last;
  }

  /** Why nobody could be connected to of late, if nobody could. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /**
   * Milliseconds after which undici would have given up whoever waits for a dial; Infinity where each dial ends in good time
   * or there is no limit.
   */
  get longest(): number {
    const { timeout, patience } = this.#dialer;
    return timeout > patience ? timeout : Number.POSITIVE_INFINITY;
  }

  /** A moment in the order of waiting requests and failed dials. */
  moment(): number {
    return ++this.#moments;
  }

  /** Counts as load of the endpoint, where a request is to have the connection. */
  start(endpoint: Endpoint, load = 1): void {
    endpoint.dialing++;
    endpoint.load += load;
    const entry: DialUnderWay = { load, dial: undefined, deadline: undefined, overdue: false };
    this.#underWay.set(entry, endpoint);
    const dial = this.#dialer.dial(endpoint, (error, socket) => {
      const { overdue } = entry;
      this.#end(entry);
      if (socket !== undefined) this.#onConnected(endpoint, socket);
      else this.#onFailed(endpoint, error!, overdue);
    });
    if (!this.#underWay.has(entry)) {
      dial.abandon();
      return;
    }
    entry.dial = dial;
    dial.unref();
    const { timeout, patience } = this.#dialer;
    entry.deadline =
      timeout === patience
        ? new Patience(this.#clock, () => dial.timeOut(), timeout)
        : new Patience(this.#clock, () => this.#onOverdue(entry, dial, endpoint), patience);
    this.#check ??= this.#checkLater();
  }

  #onOverdue(entry: DialUnderWay, dial: Dial, endpoint: Endpoint): void {
    const { timeout, patience } = this.#dialer;
    entry.deadline =
      timeout > 0 ? new Patience(this.#clock, () => dial.timeOut(), timeout - patience) : undefined;
    entry.overdue = true;
    this.#overdue++;
    endpoint.dialing--;
    endpoint.overdue++;
    this.#backOff(endpoint, dial.timeoutError());
  }

  /** The endpoints that failed before a moment, the longest ago first. */
  *failedBefore(moment: number): Generator<Endpoint> {
    for (const endpoint of this.#failed) {
      if (endpoint.backoff!.failedAt > moment) return;
      yield endpoint;
    }
  }

  /** Counts a failure that something else than a dial has found out. */
  fail(endpoint: Endpoint, error: Error): void {
    this.#onFailed(endpoint, error, false);
  }

  /** Gives up the dials to one endpoint, or all, and forgets its failures. */
  abandon(endpoint?: Endpoint): void {
    for (const [entry, dialled] of this.#underWay) {
      if (endpoint === undefined || dialled === endpoint) this.#abandon(entry, dialled);
    }
    for (const failed of endpoint === undefined ? this.#failed : [endpoint]) this.#forget(failed);
  }

  /** A pending connect keeps the process alive, unref'd or not. One that nobody waits for must not. */
  #checkLater(): Timer {
    return this.#clock.schedule(() => {
      this.#check = undefined;
      if (this.#owner.demand === 0 && !isProcessHeld()) this.#abandonAll();
      else if (this.size > 0) this.#check = this.#checkLater();
    }, CHECK_INTERVAL);
  }

  #abandonAll(): void {
    for (const [entry, endpoint] of this.#underWay) this.#abandon(entry, endpoint);
  }

  #abandon(entry: DialUnderWay, endpoint: Endpoint): void {
    entry.dial?.abandon();
    this.#end(entry);
    this.#owner.onDialAbandoned(endpoint);
  }

  #end(entry: DialUnderWay): void {
    const endpoint = this.#underWay.get(entry)!;
    this.#underWay.delete(entry);
    entry.deadline?.cancel();
    endpoint.load -= entry.load;
    if (entry.overdue) {
      this.#overdue--;
      endpoint.overdue--;
    } else {
      endpoint.dialing--;
    }
  }

  #onConnected(endpoint: Endpoint, socket: Socket): void {
    this.#forget(endpoint);
    this.#lastFailure = undefined;
    if (endpoint.dialFailures > 0) this.#unload(endpoint);
    endpoint.dialFailures = 0;
    this.#owner.onConnected(endpoint, socket);
  }

  /** An endpoint has been reached: dials that hang since it couldn't be keep no requests from it. */
  #unload(endpoint: Endpoint): void {
    for (const [entry, dialled] of this.#underWay) {
      if (dialled !== endpoint) continue;
      endpoint.load -= entry.load;
      entry.load = 0;
    }
  }

  #onFailed(endpoint: Endpoint, error: Error, overdue: boolean): void {
    // One that was overdue has said so of its endpoint.
    if (overdue) this.#lastFailure &&= error;
    else this.#backOff(endpoint, error);
    this.#owner.onDialFailed(endpoint, error);
  }

  #backOff(endpoint: Endpoint, error: Error): void {
    this.#forget(endpoint);
    this.#lastFailure = error;
    const delay = Math.min(FIRST_BACKOFF * BACKOFF_FACTOR ** endpoint.dialFailures++, LONGEST_BACKOFF);
    const timer = this.#clock.schedule(
      () => {
        this.#forget(endpoint);
        this.#owner.onBackoffOver(endpoint);
      },
      delay * (0.8 + 0.4 * this.#random()),
    );
    endpoint.backoff = { failedAt: this.moment(), error, timer };
    this.#failed.add(endpoint);
    this.#owner.onUnreached(endpoint, error);
  }

  #forget(endpoint: Endpoint): void {
    endpoint.backoff?.timer.cancel();
    endpoint.backoff = undefined;
    this.#failed.delete(endpoint);
  }
}
