import type { Demand } from '../base/demand.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { IN_DOUBT } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';
import type { DialPace } from './dial-pace.ts';
import type { Dials } from './dials.ts';
import type { Reach } from './reach.ts';

export interface CapacityOptions {
  /** How many connections an endpoint may have; `Infinity` without a limit. */
  connections: number;
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Pick<Dials, 'size'>;
  pace: Pick<DialPace, 'deferred'>;
  reach: Pick<Reach, 'mayDial' | 'mayReach'>;
}

/** What the limits on connections and requests allow. */
export class Capacity {
  /** Whether there is a limit on what an endpoint carries. */
  readonly isLimited: boolean;
  /** How many requests an endpoint may have, if each has its own connection. */
  readonly #limit: number;
  /** How many connections, and how many requests in flight, an endpoint may have. */
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

  /** Whether no request can be served now, and no connection made: the limits are reached, and all connections are busy. */
  get isSaturated(): boolean {
    if (!this.isLimited || this.#hasRoom()) return false;
    return this.#dials.size > 0 || this.#isAnyBusy();
  }

  /** Whether an endpoint has reached a limit, and will serve again when one of its requests ends. */
  isBusy(endpoint: Pod): boolean {
    const { picker, isDraining, connected, inFlight, lasting } = endpoint;
    if (!this.isLimited || picker !== undefined || isDraining) return false;
    const willEnd = connected > 0 ? inFlight + lasting > 0 : this.#isSpent(endpoint);
    return willEnd && endpoint.isHealthy && (endpoint.reasons & IN_DOUBT) === 0;
  }

  /** Whether retired connections carry as many requests as the limits allow. When one ends, the endpoint may be dialled. */
  #isSpent({ connected, inFlight, backoff }: Pod): boolean {
    return connected === 0 && inFlight >= this.#maxRequests && backoff === undefined;
  }

  #isAnyBusy(): boolean {
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

  /** Whether this many requests take all that the limits allow, of endpoints that have no connection yet. */
  isTakenBy({ total }: Demand): boolean {
    if (!this.isLimited || total < this.#limit || this.#set.isConnected) return false;
    return total >= this.#limit * Math.max(1, this.#set.current.size);
  }

  #hasRoom(): boolean {
    const { deferred } = this.#pace;
    const { pickers } = this.#board;
    if (deferred === 0) return pickers.hasRoom;
    return pickers.ready.pick() !== undefined || this.connectable(deferred + 1) > deferred;
  }

  /** For how many of `requests`, which wait for dials, the limits allow a connection. */
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

  /**
   * Whether a request that is bound to an endpoint may wait for it. While the endpoint backs off, only its free
   * connections count.
   */
  isUsable(endpoint: Pod): boolean {
    if (endpoint.isDraining || !endpoint.isHealthy) return false;
    if (endpoint.backoff !== undefined) return endpoint.hasRoom;
    return endpoint.connected > 0 || this.#reach.mayReach(endpoint);
  }

  /** Whether a request that waits for this very endpoint will get a connection. */
  isOpen(endpoint: Pod): boolean {
    if (endpoint.requestRoom <= 0) return false;
    if (endpoint.hasRoom || endpoint.opening || this.#reach.mayDial(endpoint)) return true;
    // If a connection carries many requests, one dial is enough.
    return endpoint.dialing + endpoint.overdue > 0 && endpoint.multiplexes;
  }

  /** How many requests the limits allow an endpoint. */
  capacityOf({ multiplexes }: Pod): number {
    return this.isLimited && !multiplexes ? this.#limit : this.#maxRequests;
  }
}
