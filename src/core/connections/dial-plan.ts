import type { Clock } from '../base/clock.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Pod } from './connection.ts';
import { DialPace } from './dial-pace.ts';
import type { Dials } from './dials.ts';
import type { Preconnect } from './preconnect.ts';
import type { Reach } from './reach.ts';

/**
 * How many dials to a virtual IP one request waits for, if all dials failed lately. Each dial may lead to another pod.
 * But if none of these pods is there, a hundred requests would make thousands of useless dials.
 */
const MOST_IN_VAIN = 8;

export interface DialPlanOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  reach: Reach;
  preconnect: Preconnect;
  /** The clock of the transport. */
  clock: Clock;
}

/** Decides which endpoints are dialled for waiting requests, and when. */
export class DialPlan {
  /** How fast one dial follows another for waiting requests. */
  readonly pace: DialPace;
  readonly #set: EndpointSet<Pod>;
  readonly #board: PickerBoard<Pod>;
  readonly #dials: Dials;
  readonly #reach: Reach;
  readonly #preconnect: Preconnect;

  constructor({ set, board, dials, reach, preconnect, clock }: DialPlanOptions) {
    this.#set = set;
    this.#board = board;
    this.#dials = dials;
    this.#reach = reach;
    this.#preconnect = preconnect;
    this.pace = new DialPace(clock, () => board.wake());
  }

  /** Dials the next endpoint, or warms one more. Returns whether there was any. */
  dialNext(): boolean {
    const endpoint = this.#toDial();
    // If that isn't idle, one more is needed, as when a request is sent.
    if ((endpoint === undefined || endpoint.load > 0) && this.#grow()) return true;
    if (endpoint !== undefined) this.#dials.dial(endpoint);
    return endpoint !== undefined;
  }

  /** Warms one more endpoint, which may dial it. Returns whether there was any. */
  #grow(): boolean {
    return !this.#set.frozen && this.#preconnect.grow();
  }

  /**
   * Dials so that there will be a dial for each of `waiting` requests. The first of them has waited since the moment
   * `since`. Returns false if there is no hope: each endpoint has failed since then.
   */
  dialFor(waiting: number, since: number): boolean {
    const { pace } = this;
    let deferred = 0;
    while (this.#dials.fresh < waiting) {
      // If the only endpoint left has overdue dials, as many dials as requests are enough.
      if (this.#dials.size >= waiting && (this.#toDial()?.overdue ?? 0) > 0) break;
      if (!pace.allows(this.#set.current.size)) {
        if (this.#toDial() !== undefined) deferred = waiting - this.#dials.fresh;
        break;
      }
      if (!this.dialNext() && !this.#dialFailed(since)) break;
      pace.begin();
    }
    pace.defer(deferred);
    if (this.#dials.size + deferred > 0 || this.#set.frozen || this.#set.current.size === 0) return true;
    return this.#mayBecomeFree(since);
  }

  /** Dials this very endpoint, so that there is a dial for each of `waiting` requests, which can't share a connection. */
  dialEndpointFor(endpoint: Pod, waiting: number): void {
    while (endpoint.dialing + endpoint.overdue < waiting && this.#reach.mayDial(endpoint))
      this.#dials.dial(endpoint);
  }

  /**
   * The same for requests that share connections, at the pace of `pace`. Returns for how many of them dials begin
   * later.
   */
  dialPacedFor(endpoint: Pod, waiting: number): number {
    while (endpoint.dialing + endpoint.overdue < waiting && this.#reach.mayDial(endpoint)) {
      if (!this.pace.allows(this.#set.current.size)) return waiting - endpoint.dialing - endpoint.overdue;
      this.#dials.dial(endpoint);
      this.pace.begin();
    }
    return 0;
  }

  /** Dials an endpoint ahead of requests, unless waiting requests cause dials anyway. */
  dialAhead(endpoint: Pod): void {
    if (!this.pace.active) this.dialInTurn(endpoint);
  }

  /** Dials one more endpoint, because a request has waited for a while: the dials under way may be stuck. */
  hedge(since: number): void {
    const endpoint = this.#toDial();
    if (endpoint?.dialing === 0) this.#dials.dial(endpoint);
    else if (this.#set.frozen || !this.#preconnect.grow()) this.#dialFailed(since);
  }

  /** The endpoint to dial next, if any may be dialled. */
  #toDial(): Pod | undefined {
    for (;;) {
      const endpoint = this.#board.pickers.toDial;
      // `mayReach` bars an endpoint that has not answered for a while. Then the picker offers another one.
      if (endpoint === undefined || this.#reach.mayReach(endpoint)) return endpoint;
    }
  }

  /** Dials an endpoint ahead of requests, if the connection will probably be used. */
  dialInTurn(endpoint: Pod): void {
    if (this.#preconnect.isWorthwhile(endpoint)) this.#dials.dial(endpoint);
  }

  /**
   * Makes the next connection to an endpoint that keeps none. Its turn has just been, so this dial isn't a turn, and
   * isn't load.
   */
  dialSuccessor(endpoint: Pod): void {
    if (!this.pace.active && this.#preconnect.isWorthwhile(endpoint)) this.#dials.start(endpoint, 0);
  }

  /** Dials the endpoint whose last failure is the oldest, if that was before `since`. */
  #dialFailed(since: number): boolean {
    if (this.#dials.failing === 0 || this.#isInVain(since)) return false;
    for (const endpoint of this.#dials.failedBefore(since)) {
      if (endpoint.dialing > 0 || !this.#reach.mayDial(endpoint)) continue;
      this.#dials.dial(endpoint);
      return true;
    }
    return false;
  }

  /** Whether all slots of a virtual IP have failed, and so many dials since `since` that one more is useless. */
  #isInVain(since: number): boolean {
    const { isVirtual, current } = this.#set;
    if (!isVirtual || this.#dials.failing < current.size) return false;
    return this.#dials.failedSince(since) >= MOST_IN_VAIN;
  }

  /**
   * Whether a busy connection may serve a request that has waited since `since`, or make room for a dial. An endpoint
   * that refuses dials now is ending, and closes the connections that it has left.
   */
  #mayBecomeFree(since: number): boolean {
    for (const { connected, hasRoom, requestRoom, backoff } of this.#set.known) {
      const refused = backoff !== undefined && backoff.failedAt > since && isRefusal(backoff.error);
      if (hasRoom || (connected > 0 && !refused)) return true;
      // When its last connection ends, it may be dialled.
      if (requestRoom <= 0 && backoff === undefined) return true;
    }
    return false;
  }
}

function isRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNREFUSED';
}
