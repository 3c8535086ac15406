import type { Observation } from '../balancing/picker.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { type Pickers, place } from '../endpoints/pickers.ts';
import type { Admission } from './admission.ts';
import type { Connection } from './connection.ts';
import type { DialPlan } from './dial-plan.ts';
import type { Dials } from './dials.ts';
import type { SilenceWatch } from './silence.ts';
import type { Warmth } from './warmth.ts';

export interface BalancerParts {
  readonly set: Pick<EndpointSet, 'connected'>;
  readonly pickers: Pickers;
  readonly admission: Pick<Admission, 'isBusy' | 'mayDial' | 'place'>;
  readonly plan: Pick<DialPlan, 'dialAhead' | 'dialFor' | 'dialInTurn' | 'dialNext' | 'dialSuccessor'>;
  readonly dials: Pick<Dials, 'fresh'>;
  readonly warmth: Pick<Warmth, 'consider'>;
  readonly silence: Pick<SilenceWatch, 'start'>;
}

/** Gives each request to one of the endpoints that have a connection free. */
export class Balancer {
  readonly #set: BalancerParts['set'];
  readonly #pickers: Pickers;
  readonly #admission: BalancerParts['admission'];
  readonly #plan: BalancerParts['plan'];
  readonly #dials: BalancerParts['dials'];
  readonly #warmth: BalancerParts['warmth'];
  readonly #silence: BalancerParts['silence'];

  constructor(parts: BalancerParts) {
    this.#set = parts.set;
    this.#pickers = parts.pickers;
    this.#admission = parts.admission;
    this.#plan = parts.plan;
    this.#dials = parts.dials;
    this.#warmth = parts.warmth;
    this.#silence = parts.silence;
  }

  /** The endpoint to serve a request, with a connection ready for it; none if it has to wait. */
  pick(now: number): Endpoint | undefined {
    const { free } = this.#pickers;
    for (let best = free.pick(); best !== undefined; best = free.pick()) {
      if (best.isReady(now)) return best;
    }
    return undefined;
  }

  /**
   * The same for a request that has failed at some endpoints: another one while there is one; 'soon' if
   * that takes a dial; none if all have failed since the moment `since`.
   */
  pickOther(failed: readonly Endpoint[], now: number, since: number): Endpoint | 'soon' | undefined {
    for (const endpoint of failed) place(endpoint, undefined);
    const other = this.pick(now) ?? (this.#connectsOther(failed) ? 'soon' : undefined);
    for (const endpoint of failed) this.#admission.place(endpoint);
    return other ?? this.pick(now) ?? (this.#plan.dialFor(1, since) ? 'soon' : undefined);
  }

  /** Gives a request to an endpoint just picked. */
  begin(endpoint: Endpoint): Connection {
    const rival = this.#pickers.rivalOf(endpoint);
    if (rival !== undefined) this.#plan.dialAhead(rival);
    this.#warmth.consider(endpoint.load);
    this.#pickers.free.used(endpoint);
    this.#silence.start();
    const connection = endpoint.begin();
    // That one will not last, and without another it would miss its next turn.
    if (endpoint.fleeting && !connection.h2 && this.#admission.mayDial(endpoint))
      this.#plan.dialSuccessor(endpoint);
    return connection;
  }

  /**
   * An endpoint that doesn't keep connections has lost one. If it has the least load it is dialled now: at the next
   * request it would miss its turn.
   */
  onLost(endpoint: Endpoint): void {
    const { free, full } = this.#pickers;
    if (endpoint.picker !== full) return;
    const best = free.pick();
    if (best === undefined || !full.before(best, endpoint)) this.#plan.dialInTurn(endpoint);
  }

  /** Gives a request to the endpoint that it is bound to, which is ready. */
  beginBound(endpoint: Endpoint): Connection {
    this.#pickers.free.used(endpoint);
    return endpoint.begin();
  }

  /** Whether to be told how requests go. */
  get observes(): boolean {
    return this.#pickers.observes;
  }

  /** Learns how a request to an endpoint has gone, `latency` milliseconds after it was sent. */
  observe(endpoint: Endpoint, latency: number, observation: Observation): void {
    this.#pickers.observe(endpoint, latency, observation);
  }

  /** Whether another endpoint will have a connection free: it is dialled now, if none is on the way. */
  #connectsOther(failed: readonly Endpoint[]): boolean {
    const toFailed = failed.reduce((sum, { dialing }) => sum + dialing, 0);
    if (this.#dials.fresh > toFailed) return true;
    return this.#plan.dialNext() || this.#isOtherBusy(failed);
  }

  /** Whether another endpoint is as busy as the limits allow. */
  #isOtherBusy(failed: readonly Endpoint[]): boolean {
    for (const endpoint of this.#set.connected) {
      if (this.#admission.isBusy(endpoint) && !failed.includes(endpoint)) return true;
    }
    return false;
  }
}
