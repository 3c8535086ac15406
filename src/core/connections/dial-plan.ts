import type { Settings } from '../../config/settings.ts';
import { systemClock } from '../base/clock.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Pickers } from '../endpoints/pickers.ts';
import { DialPace } from './dial-pace.ts';
import type { Dials } from './dials.ts';
import type { Warmth } from './warmth.ts';

/** What the plan asks of its pool. */
export interface DialPlanOwner {
  readonly url: URL;
  /** Something changed that decides whether the endpoint may be picked. */
  place(endpoint: Endpoint): void;
  /** More may be dialled for the requests that wait. */
  onDialRound(): void;
}

export interface DialPlanParts {
  readonly set: EndpointSet;
  readonly dials: Dials;
  readonly pickers: Pickers;
  readonly warmth: Warmth;
}

type DialPlanSettings = Pick<Settings, 'client' | 'clock' | 'connections' | 'maxRequestsPerEndpoint'>;

/** Milliseconds for which an answer shows that an address is still a pod's. */
const PROOF = 1_000;

/** Which endpoints may be dialled, and which of them are for the requests that wait. */
export class DialPlan {
  /** What is known of the endpoints may be out of date: nothing is dialled but what has just been heard of. */
  frozen = false;
  /** How fast dials follow one another for requests that wait. */
  readonly pace: DialPace;

  readonly #owner: DialPlanOwner;
  readonly #settings: DialPlanSettings;
  readonly #set: EndpointSet;
  readonly #dials: Dials;
  readonly #pickers: Pickers;
  readonly #warmth: Warmth;

  constructor(
    owner: DialPlanOwner,
    settings: DialPlanSettings,
    { set, dials, pickers, warmth }: DialPlanParts,
  ) {
    this.#owner = owner;
    this.#settings = settings;
    this.#set = set;
    this.#dials = dials;
    this.#pickers = pickers;
    this.#warmth = warmth;
    // In real time, as handshakes are.
    this.pace = new DialPace(systemClock, () => owner.onDialRound());
  }

  /** Whether one more connection to an endpoint may be made. */
  mayDial(endpoint: Endpoint): boolean {
    if (!this.mayReach(endpoint) || endpoint.opening !== undefined || endpoint.identity !== undefined)
      return false;
    const { connected, aging, dialing, overdue } = endpoint;
    // Those that age are about to go.
    if (connected - aging + dialing + overdue >= this.#settings.connections) return false;
    // One connection of HTTP/2 serves many, so the first dial tells how many are needed.
    return endpoint.dialing === 0 || this.protocolOf(endpoint) === 'h1';
  }

  /**
   * Whether the address of an endpoint is still its own, for all we know. One that has answered a moment ago, and has
   * not closed its connections since, is: addresses are not given away that fast.
   */
  mayReach({ heardAt }: Endpoint): boolean {
    return !this.frozen || this.#settings.clock.now() - heardAt < PROOF;
  }

  /** Whether a connection that closes could be replaced, for all we know. */
  mayReplace(endpoint: Endpoint): boolean {
    const { connected, aging, dialing, dialFailures } = endpoint;
    if (!this.mayReach(endpoint) || dialFailures > 0) return false;
    // Where dials are under way, or might not be allowed any more in a moment, only one that has succeeded shows it.
    return connected > aging || (dialing === 0 && !this.frozen);
  }

  /** What an endpoint speaks, for all we know. */
  protocolOf({ protocol }: Endpoint): 'h1' | 'h2' {
    if (protocol !== undefined) return protocol;
    const { allowH2, h2Options } = this.#settings.client;
    if (allowH2 === false) return 'h1';
    return this.#owner.url.protocol === 'https:' || h2Options?.useH2c === true ? 'h2' : 'h1';
  }

  dial(endpoint: Endpoint): void {
    this.#pickers.full.used(endpoint);
    this.#dials.start(endpoint);
    this.#owner.place(endpoint);
  }

  /** Dials the endpoint that is next for it, or another one that may be used too. Whether there was any. */
  dialNext(): boolean {
    const endpoint = this.#toDial();
    if (endpoint !== undefined) this.dial(endpoint);
    return endpoint !== undefined || (!this.frozen && this.#warmth.grow());
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
    if (this.#dials.size + deferred > 0 || this.frozen || this.#set.current.size === 0) return true;
    return this.#mayBecomeFree(since);
  }

  /** Dials that very endpoint, so that there is a dial for each of `waiting` requests that can't share any. */
  dialEndpointFor(endpoint: Endpoint, waiting: number): void {
    while (endpoint.dialing + endpoint.overdue < waiting && this.mayDial(endpoint)) this.dial(endpoint);
  }

  /** The same in time, for requests that share connections. Says for how many of them dials are to begin later. */
  dialPacedFor(endpoint: Endpoint, waiting: number): number {
    while (endpoint.dialing + endpoint.overdue < waiting && this.mayDial(endpoint)) {
      if (!this.pace.allows(this.#set.current.size)) return waiting - endpoint.dialing - endpoint.overdue;
      this.dial(endpoint);
      this.pace.begin();
    }
    return 0;
  }

  /** Dials an endpoint for requests to come, except while for those that wait dials are made anyway. */
  dialAhead(endpoint: Endpoint): void {
    if (!this.pace.active) this.dialInTurn(endpoint);
  }

  /** Dials one more endpoint for a request that has waited for a while; the dials under way may be stuck. */
  hedge(since: number): void {
    const endpoint = this.#toDial();
    if (endpoint?.dialing === 0) this.dial(endpoint);
    else if (this.frozen || !this.#warmth.grow()) this.#dialFailed(since);
  }

  /** The endpoint to dial next, if any may be. */
  #toDial(): Endpoint | undefined {
    for (;;) {
      const endpoint = this.#pickers.toDial;
      if (endpoint === undefined || this.mayReach(endpoint)) return endpoint;
      // It has not been heard of for a while, and nobody else has noticed.
      this.#owner.place(endpoint);
    }
  }

  /** Dials an endpoint whose turn it is, if the connection is likely to be used. */
  dialInTurn(endpoint: Endpoint): void {
    if (this.#isWorthwhile(endpoint)) this.dial(endpoint);
  }

  /** Makes the next connection to an endpoint that keeps none, whose turn has just been: this is none, nor load. */
  dialSuccessor(endpoint: Endpoint): void {
    if (this.pace.active || !this.#isWorthwhile(endpoint)) return;
    this.#dials.start(endpoint, 0);
    this.#owner.place(endpoint);
  }

  #isWorthwhile(endpoint: Endpoint): boolean {
    return this.mayReach(endpoint) && this.#warmth.isWorthwhile(endpoint) && !endpoint.passesOver();
  }

  /** Makes one more connection to a virtual IP, to see which pod it leads to. False if one is being made. */
  explore(): boolean {
    const slot = this.#pickers.unproven.pick();
    if (this.#dials.fresh > 0 || slot === undefined) return false;
    this.dial(slot);
    return true;
  }

  /** Dials the endpoint whose last dial failed the longest ago, if that was before `since`. */
  #dialFailed(since: number): boolean {
    for (const endpoint of this.#dials.failedBefore(since)) {
      if (endpoint.dialing > 0 || !this.mayDial(endpoint)) continue;
      this.dial(endpoint);
      return true;
    }
    return false;
  }

  /**
   * Whether a connection that is busy may serve one that has waited since then, or be followed by another one. An
   * endpoint that refuses dials by now is on its way out, and closes what it has left.
   */
  #mayBecomeFree(since: number): boolean {
    const most = this.#settings.maxRequestsPerEndpoint || Number.POSITIVE_INFINITY;
    for (const { connected, inFlight, backoff } of this.#set.known) {
      const refused = backoff !== undefined && backoff.failedAt > since && isRefusal(backoff.error);
      if (connected > 0 && !refused) return true;
      // What its last connection carries ends, and then it may be dialled.
      if (inFlight >= most && backoff === undefined) return true;
    }
    return false;
  }
}

function isRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNREFUSED';
}
