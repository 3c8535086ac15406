import type { Clock } from '../base/clock.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Pod } from './connection.ts';
import { DialPace } from './dial-pace.ts';
import type { Dials } from './dials.ts';
import type { Preconnect } from './preconnect.ts';
import type { Reach } from './reach.ts';

/**
 * Dials to a virtual IP that a request waits for where all have failed of late. Each may lead to another pod; but where none
 * of so many is there, a hundred requests would make thousands of dials, all in vain.
 */
const MOST_IN_VAIN = 8;

export interface DialPlanOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  reach: Reach;
  preconnect: Preconnect;
  /** The time that dials take. */
  clock: Clock;
}

/** Which endpoints are dialled for the requests that wait, and when. */
export class DialPlan {
  /** How fast dials follow one another for requests that wait. */
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

  /** Dials the endpoint that is next for it, or another one that may be used too. Whether there was any. */
  dialNext(): boolean {
    const endpoint = this.#toDial();
    if (endpoint !== undefined) this.#dials.dial(endpoint);
    return endpoint !== undefined || (!this.#set.frozen && this.#preconnect.grow());
  }

  /**
   * Dials, so that in time there is a dial for each of `waiting` requests, of which the first has waited since
   * the moment `since`. False if that is hopeless: each endpoint has failed since then.
   */
  dialFor(waiting: number, since: number): boolean {
    const { pace } = this;
    let deferred = 0;
    while (this.#dials.fresh < waiting) {
      // One that may be dialled again, after dials that are overdue, has as many as are needed.
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

  /** Dials that very endpoint, so that there is a dial for each of `waiting` requests that can't share any. */
  dialEndpointFor(endpoint: Pod, waiting: number): void {
    while (endpoint.dialing + endpoint.overdue < waiting && this.#reach.mayDial(endpoint))
      this.#dials.dial(endpoint);
  }

  /** The same in time, for requests that share connections. Says for how many of them dials are to begin later. */
  dialPacedFor(endpoint: Pod, waiting: number): number {
    while (endpoint.dialing + endpoint.overdue < waiting && this.#reach.mayDial(endpoint)) {
      if (!this.pace.allows(this.#set.current.size)) return waiting - endpoint.dialing - endpoint.overdue;
      this.#dials.dial(endpoint);
      this.pace.begin();
    }
    return 0;
  }

  /** Dials an endpoint for requests to come, except while for those that wait dials are made anyway. */
  dialAhead(endpoint: Pod): void {
    if (!this.pace.active) this.dialInTurn(endpoint);
  }

  /** Dials one more endpoint for a request that has waited for a while; the dials under way may be stuck. */
  hedge(since: number): void {
    const endpoint = this.#toDial();
    if (endpoint?.dialing === 0) this.#dials.dial(endpoint);
    else if (this.#set.frozen || !this.#preconnect.grow()) this.#dialFailed(since);
  }

  /** The endpoint to dial next, if any may be. */
  #toDial(): Pod | undefined {
    for (;;) {
      const endpoint = this.#board.pickers.toDial;
      // One that has not been heard of for a while is found out here, and stands elsewhere then.
      if (endpoint === undefined || this.#reach.mayReach(endpoint)) return endpoint;
    }
  }

  /** Dials an endpoint whose turn it is, if the connection is likely to be used. */
  dialInTurn(endpoint: Pod): void {
    if (this.#preconnect.isWorthwhile(endpoint)) this.#dials.dial(endpoint);
  }

  /** Makes the next connection to an endpoint that keeps none, whose turn has just been: this is none, nor load. */
  dialSuccessor(endpoint: Pod): void {
    if (!this.pace.active && this.#preconnect.isWorthwhile(endpoint)) this.#dials.start(endpoint, 0);
  }

  /** Dials the endpoint whose last dial failed the longest ago, if that was before `since`. */
  #dialFailed(since: number): boolean {
    if (this.#isInVain(since)) return false;
    for (const endpoint of this.#dials.failedBefore(since)) {
      if (endpoint.dialing > 0 || !this.#reach.mayDial(endpoint)) continue;
      this.#dials.dial(endpoint);
      return true;
    }
    return false;
  }

  /** Whether all that lead to a virtual IP have failed, and as many since a moment as a request waits for. */
  #isInVain(since: number): boolean {
    const { isVirtual, current } = this.#set;
    if (!isVirtual || this.#dials.failing < current.size) return false;
    return this.#dials.failedSince(since) >= MOST_IN_VAIN;
  }

  /**
   * Whether a connection that is busy may serve one that has waited since then, or be followed by another one. An
   * endpoint that refuses dials by now is on its way out, and closes what it has left.
   */
  #mayBecomeFree(since: number): boolean {
    for (const { connected, requestRoom, backoff } of this.#set.known) {
      const refused = backoff !== undefined && backoff.failedAt > since && isRefusal(backoff.error);
      if (connected > 0 && !refused) return true;
      // What its last connection carries ends, and then it may be dialled.
      if (requestRoom <= 0 && backoff === undefined) return true;
    }
    return false;
  }
}

function isRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNREFUSED';
}
