import type { Demand } from '../base/demand.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { IN_DOUBT } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';
import type { DialPace } from './dial-pace.ts';
import type { Dials } from './dials.ts';
import type { Reach } from './reach.ts';

export interface CapacityOptions {
  /** Connections that an endpoint may have; `Infinity` without a limit. */
  connections: number;
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Pick<Dials, 'size'>;
  pace: Pick<DialPace, 'deferred'>;
  reach: Pick<Reach, 'mayDial' | 'mayReach'>;
}

/** What the limits on connections and on requests allow. */
export class Capacity {
  /** Whether there are limits to what endpoints carry. */
  readonly isLimited: boolean;
  /** Requests that an endpoint may have, one on each connection. */
  readonly #limit: number;
  /** Connections, and requests in flight, that an endpoint may have. */
  readonly #connections: number;
  readonly #maxRequests: number;
  readonly #set: EndpointSet<Pod>;
  readonly #board: PickerBoard<Pod>;
  readonly #dials: CapacityOptions['dials'];
  readonly #pace: CapacityOptions['pace'];
  readonly #reach: CapacityOptions['reach'];

  constructor({ connections, set, board, dials, pace, reach }: CapacityOptions) {
    this.#maxRequests = board.maxRequests;
    this.#connections = connections;
    this.#limit = Math.min(connections, this.#maxRequests);
    this.isLimited = this.#limit < Number.POSITIVE_INFINITY;
    this.#set = set;
    this.#board = board;
    this.#dials = dials;
    this.#pace = pace;
    this.#reach = reach;
  }

  /** Whether no request could be served now, nor any connection made: all that the limits allow are busy. */
  get isSaturated(): boolean {
    if (!this.isLimited || this.#hasRoom) return false;
    return this.#dials.size > 0 || this.#isAnyBusy;
  }

  /** Whether an endpoint would serve but for the limits, and comes to it when a request of its ends. */
  isBusy(endpoint: Pod): boolean {
    const { picker, isDraining, connected, inFlight, lasting } = endpoint;
    if (!this.isLimited || picker !== undefined || isDraining) return false;
    const willEnd = connected > 0 ? inFlight + lasting > 0 : this.#isSpent(endpoint);
    return willEnd && endpoint.isHealthy && (endpoint.reasons & IN_DOUBT) === 0;
  }

  /** Whether connections that take no more requests carry all that the limits allow, so that it is dialled when one ends. */
  #isSpent({ connected, inFlight, backoff }: Pod): boolean {
    return connected === 0 && inFlight >= this.#maxRequests && backoff === undefined;
  }

  get #isAnyBusy(): boolean {
    for (const endpoint of this.#set.connected) if (this.isBusy(endpoint)) return true;
    for (const endpoint of this.#set.current.values()) if (this.isBusy(endpoint)) return true;
    for (const endpoint of this.#set.pods.values()) if (this.isBusy(endpoint)) return true;
    return false;
  }

  /** Whether another endpoint is as busy as the limits allow. */
  isOtherBusy(failed: readonly Pod[]): boolean {
    for (const endpoint of this.#set.connected) {
      if (this.isBusy(endpoint) && !failed.includes(endpoint)) return true;
    }
    return false;
  }

  /** Whether so many requests take all that the limits will allow, of endpoints to which nothing is connected yet. */
  isTakenBy({ total }: Demand): boolean {
    if (!this.isLimited || total < this.#limit || this.#set.isConnected) return false;
    return total >= this.#limit * Math.max(1, this.#set.current.size);
  }

  get #hasRoom(): boolean {
    const { deferred } = this.#pace;
    const { pickers } = this.#board;
    if (deferred === 0) return pickers.hasRoom;
    return pickers.ready.pick() !== undefined || this.connectable(deferred + 1) > deferred;
  }

  /** For how many of so many requests, which wait for dials to come, the limits allow connections. */
  connectable(requests: number): number {
    if (!this.isLimited) return requests;
    let room = 0;
    for (const endpoint of this.#set.current.values()) {
      if (room >= requests) return requests;
      if (!endpoint.isHealthy || endpoint.backoff !== undefined || !this.#reach.mayDial(endpoint)) continue;
      const { connected, aging, requestRoom } = endpoint;
      const dialing = endpoint.dialing + endpoint.overdue;
      const connections = this.#connections - (connected - aging) - dialing;
      room += Math.max(Math.min(connections, requestRoom - dialing), 0);
    }
    return Math.min(room, requests);
  }

  /** Whether a request that is bound to an endpoint may wait for it. One that takes no dials for now has what is free. */
  isUsable(endpoint: Pod): boolean {
    if (endpoint.isDraining || !endpoint.isHealthy) return false;
    if (endpoint.backoff !== undefined) return endpoint.hasRoom;
    return endpoint.connected > 0 || this.#reach.mayReach(endpoint);
  }

  /** Whether a request that waits for that very endpoint comes to a connection. */
  isOpen(endpoint: Pod): boolean {
    if (endpoint.requestRoom <= 0) return false;
    if (endpoint.hasRoom || endpoint.opening || this.#reach.mayDial(endpoint)) return true;
    // Where a connection has room for many, one dial does.
    return endpoint.dialing + endpoint.overdue > 0 && endpoint.multiplexes;
  }

  /** How many requests the limits allow an endpoint. */
  capacityOf({ multiplexes }: Pod): number {
    return this.isLimited && !multiplexes ? this.#limit : this.#maxRequests;
  }
}
