import type { Settings } from '../../config/settings.ts';
import type { Picker } from '../balancing/picker.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { type Pickers, place } from '../endpoints/pickers.ts';
import type { Health } from '../health/health.ts';
import type { DialPace } from './dial-pace.ts';
import type { DialPlan } from './dial-plan.ts';
import type { Dials } from './dials.ts';
import type { SeeThrough } from './see-through.ts';
import type { SilenceWatch } from './silence.ts';

export interface AdmissionParts {
  readonly set: EndpointSet;
  readonly pickers: Pickers;
  readonly dials: Pick<Dials, 'size'>;
  readonly plan: Pick<DialPlan, 'mayDial' | 'mayReach' | 'protocolOf'> & {
    readonly pace: Pick<DialPace, 'deferred'>;
  };
  readonly health: Pick<Health, 'allows'>;
  readonly silence: Pick<SilenceWatch, 'doubts'>;
  readonly seeThrough: Pick<SeeThrough, 'applies'>;
}

type AdmissionSettings = Pick<Settings, 'connections' | 'maxRequestsPerEndpoint'>;

/** Decides which endpoints may have requests, and from which picker: limits, health and connections have a say. */
export class Admission {
  /** Whether there are limits to what endpoints carry. */
  readonly isLimited: boolean;
  /** Requests that an endpoint may have, one on each connection. */
  readonly #limit: number;
  /** Connections, and requests in flight, that an endpoint may have. */
  readonly #connections: number;
  readonly #maxRequests: number;
  readonly #set: AdmissionParts['set'];
  readonly #pickers: Pickers;
  readonly #dials: AdmissionParts['dials'];
  readonly #plan: AdmissionParts['plan'];
  readonly #health: AdmissionParts['health'];
  readonly #silence: AdmissionParts['silence'];
  readonly #seeThrough: AdmissionParts['seeThrough'];

  constructor({ connections, maxRequestsPerEndpoint }: AdmissionSettings, parts: AdmissionParts) {
    this.#maxRequests = maxRequestsPerEndpoint || Number.POSITIVE_INFINITY;
    this.#connections = connections;
    this.#limit = Math.min(connections, this.#maxRequests);
    this.isLimited = this.#limit < Number.POSITIVE_INFINITY;
    this.#set = parts.set;
    this.#pickers = parts.pickers;
    this.#dials = parts.dials;
    this.#plan = parts.plan;
    this.#health = parts.health;
    this.#silence = parts.silence;
    this.#seeThrough = parts.seeThrough;
  }

  /** Whether no request could be served now, nor any connection made: all that the limits allow are busy. */
  get isSaturated(): boolean {
    if (!this.isLimited || this.#hasRoom) return false;
    return this.#dials.size > 0 || this.#isAnyBusy;
  }

  /** Whether an endpoint would serve but for the limits, and comes to it when a request of its ends. */
  isBusy(endpoint: Endpoint): boolean {
    const { picker, state, connected, inFlight, lasting } = endpoint;
    if (!this.isLimited || picker !== undefined || state.name === 'draining') return false;
    return (
      (connected > 0 ? inFlight + lasting > 0 : this.#isSpent(endpoint)) &&
      this.#health.allows(endpoint) &&
      !this.#silence.doubts(endpoint)
    );
  }

  /** Whether connections that take no more requests carry all that the limits allow, so that it is dialled when one ends. */
  #isSpent({ connected, inFlight, backoff }: Endpoint): boolean {
    return connected === 0 && inFlight >= this.#maxRequests && backoff === undefined;
  }

  get #isAnyBusy(): boolean {
    for (const endpoint of this.#set.connected) if (this.isBusy(endpoint)) return true;
    for (const endpoint of this.#set.current.values()) if (this.isBusy(endpoint)) return true;
    for (const endpoint of this.#set.pods.values()) if (this.isBusy(endpoint)) return true;
    return false;
  }

  /** Whether so many requests take all that the limits will allow, of endpoints to which nothing is connected yet. */
  isTakenBy(demand: number): boolean {
    if (!this.isLimited || demand < this.#limit || this.#set.isConnected) return false;
    return demand >= this.#limit * Math.max(1, this.#set.current.size);
  }

  get #hasRoom(): boolean {
    const { deferred } = this.#plan.pace;
    if (deferred === 0) return this.#pickers.hasRoom;
    return this.#pickers.free.pick() !== undefined || this.connectable(deferred + 1) > deferred;
  }

  /** For how many of so many requests, which wait for dials to come, the limits allow connections. */
  connectable(requests: number): number {
    if (!this.isLimited) return requests;
    let room = 0;
    for (const endpoint of this.#set.current.values()) {
      if (room >= requests) return requests;
      if (!this.isAvailable(endpoint) || !this.#plan.mayDial(endpoint)) continue;
      const { connected, aging, inFlight } = endpoint;
      const dialing = endpoint.dialing + endpoint.overdue;
      const connections = this.#connections - (connected - aging) - dialing;
      room += Math.max(Math.min(connections, this.#maxRequests - inFlight - dialing), 0);
    }
    return Math.min(room, requests);
  }

  /** Puts an endpoint into the picker that it may be picked from now, if any. */
  place(endpoint: Endpoint): void {
    place(endpoint, this.#pickerFor(endpoint));
  }

  placeAll(): void {
    for (const endpoint of this.#set) this.place(endpoint);
  }

  /** An endpoint has another weight. With the first one that has, pickers begin to look at weights. */
  reweigh(endpoint: Endpoint): void {
    if (this.#pickers.weighted) {
      this.place(endpoint);
      return;
    }
    this.#pickers.weigh(this.#set);
    this.placeAll();
  }

  /** Whether an endpoint may serve, for what its dials and its health have shown. */
  isAvailable(endpoint: Endpoint): boolean {
    return endpoint.backoff === undefined && this.#health.allows(endpoint);
  }

  /** Those of the present endpoints, and of the pods behind a virtual IP, that may serve. */
  *available(): Generator<Endpoint> {
    for (const endpoints of [this.#set.current, this.#set.pods]) {
      for (const endpoint of endpoints.values()) if (this.isAvailable(endpoint)) yield endpoint;
    }
  }

  /** Whether a request that is bound to an endpoint may wait for it. */
  isUsable(endpoint: Endpoint): boolean {
    const { state, connected, backoff } = endpoint;
    if (state.name === 'draining' || !this.#health.allows(endpoint)) return false;
    return connected > 0 || (backoff === undefined && this.#plan.mayReach(endpoint));
  }

  /** Whether a request that waits for that very endpoint comes to a connection. */
  isOpen(endpoint: Endpoint): boolean {
    if (endpoint.inFlight >= this.#maxRequests) return false;
    if (endpoint.hasRoom || endpoint.opening !== undefined || this.#plan.mayDial(endpoint)) return true;
    // With HTTP/2, one dial makes room for many.
    return endpoint.dialing + endpoint.overdue > 0 && this.#plan.protocolOf(endpoint) === 'h2';
  }

  /** How many more requests the limits allow an endpoint, whatever its connections. */
  roomOf({ inFlight }: Endpoint): number {
    return this.#maxRequests - inFlight;
  }

  /** How many requests the limits allow an endpoint. */
  capacityOf(endpoint: Endpoint): number {
    return this.isLimited && this.#plan.protocolOf(endpoint) === 'h1' ? this.#limit : this.#maxRequests;
  }

  /** Whether one more connection may be made to an endpoint that may be picked. */
  mayDial(endpoint: Endpoint): boolean {
    const { warm, backoff, inFlight, dialing, overdue } = endpoint;
    return (
      warm &&
      backoff === undefined &&
      inFlight + dialing + overdue < this.#maxRequests &&
      this.#plan.mayDial(endpoint)
    );
  }

  #pickerFor(endpoint: Endpoint): Picker<Endpoint> | undefined {
    const { free, full, unproven } = this.#pickers;
    const { state, inFlight } = endpoint;
    if (state.name === 'draining' || inFlight >= this.#maxRequests) return undefined;
    if (!this.#health.allows(endpoint)) return undefined;
    if (this.#silence.doubts(endpoint)) return undefined;
    if (endpoint.hasRoom && (endpoint.warm || this.#set.superseded.has(endpoint))) return free;
    if (!this.mayDial(endpoint)) return undefined;
    return state.name === 'connecting' || this.#seeThrough.applies ? unproven : full;
  }
}
