import type { FailureKind, Settings } from '../config/settings.ts';
import type { Connection } from '../connection.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Outcome } from '../exchange.ts';
import { FailingConnections } from './failing-connections.ts';
import { OutlierDetection, type OutlierOwner } from './outlier-detection.ts';
import { Pauses, type PausesOwner } from './pauses.ts';
import { retryAfter } from './retry-after.ts';

/** What health tells the pool, and asks of it. */
export interface HealthOwner extends Omit<OutlierOwner<Endpoint>, 'onWeighed'> {
  /** Whether an endpoint is a pod, or a slot of a virtual IP; `undefined`: it is not in the present set. */
  kindOf(endpoint: Endpoint): 'pod' | 'slot' | undefined;
  /** A connection of a slot fails: it should make room for another. */
  onConnectionFailing(endpoint: Endpoint, connection: Connection): void;
}

/** Decides which endpoints may be picked, from how their requests end and what they ask for. */
export class Health implements OutlierOwner<Endpoint>, PausesOwner<Endpoint> {
  /** Something else on the way ejects: nothing is held against anybody. */
  #passive = false;
  readonly #owner: HealthOwner;
  readonly #outliers: OutlierDetection<Endpoint>;
  readonly #pauses: Pauses<Endpoint>;
  readonly #connections: FailingConnections;

  constructor(owner: HealthOwner, { outlierDetection, clock, random }: Settings) {
    this.#owner = owner;
    this.#outliers = new OutlierDetection(this, outlierDetection, clock, random);
    this.#pauses = new Pauses(this, clock);
    this.#connections = new FailingConnections(this.#outliers.threshold, clock);
  }

  /** How many endpoints are passed over now. */
  get passedOver(): number {
    return this.#outliers.passedOver + this.#pauses.passedOver;
  }

  allows(endpoint: Endpoint): boolean {
    return (
      (endpoint.health === undefined || this.#outliers.allows(endpoint)) && this.#pauses.allows(endpoint)
    );
  }

  /** A request to an endpoint has ended. */
  judge(endpoint: Endpoint, connection: Connection, outcome: Outcome, status: number): void {
    const isClean = outcome === 'success' && status < 400;
    if (isClean && endpoint.health === undefined && this.#connections.size === 0) return;
    if (outcome === 'cancelled' || outcome === 'refused' || this.#passive) return;
    const kind = this.#owner.kindOf(endpoint);
    const failure = this.#failureOf(outcome, status);
    if (kind === 'slot') this.#judgeConnection(endpoint, connection, failure);
    else if (kind === undefined) return;
    else if (failure === undefined) this.#outliers.succeeded(endpoint);
    else this.#outliers.failed(endpoint, failure);
  }

  /** An endpoint has too much to do; it may have said for how long. */
  onOverloaded(endpoint: Endpoint, headers: Parameters<typeof retryAfter>[0]): void {
    const duration = retryAfter(headers);
    if (duration === 0 || this.#passive || this.#owner.kindOf(endpoint) !== 'pod') return;
    this.#pauses.pause(endpoint, duration);
  }

  onDialFailed(endpoint: Endpoint): void {
    const isPod = !this.#passive && this.#owner.kindOf(endpoint) === 'pod';
    if (isPod && this.#outliers.counts('connect')) this.#outliers.failed(endpoint, 'connect');
    this.review(endpoint);
  }

  /** Whether an endpoint can be reached may have changed. */
  review(endpoint: Endpoint): void {
    const mayMatter = endpoint.health !== undefined || endpoint.dialFailures > 0;
    if (mayMatter && this.#owner.kindOf(endpoint) === 'pod') this.#outliers.review(endpoint);
  }

  /** The set of endpoints has changed. */
  onSetChanged(passive: boolean): void {
    this.#passive = passive;
    if (passive) this.#outliers.restoreAll('mesh');
    this.#outliers.weigh();
  }

  /** Forgets an endpoint that has left the set. */
  forget(endpoint: Endpoint): void {
    this.#outliers.forget(endpoint);
    this.#pauses.forget(endpoint);
  }

  forgetConnection(connection: Connection): void {
    this.#connections.forget(connection);
  }

  // What those that it is made of ask, and say

  get origin(): string {
    return this.#owner.origin;
  }

  get population(): number {
    return this.#owner.population;
  }

  get unfit(): number {
    return this.#outliers.unfit;
  }

  isFit({ health }: Endpoint): boolean {
    return health?.unfit !== true;
  }

  onHealthChanged(endpoint: Endpoint): void {
    this.#owner.onHealthChanged(endpoint);
  }

  onWeighed(): void {
    this.#pauses.weigh();
  }

  #judgeConnection(slot: Endpoint, connection: Connection, failure: FailureKind | undefined): void {
    if (failure === undefined) this.#connections.forget(connection);
    else if (connection.retired === undefined && this.#connections.failed(slot, connection)) {
      this.#owner.onConnectionFailing(slot, connection);
    }
  }

  #failureOf(outcome: Outcome, status: number): FailureKind | undefined {
    const kind = outcome === 'failure' ? 'reset' : outcome === 'timeout' ? 'timeout' : (`${status}` as const);
    return this.#outliers.counts(kind) ? kind : undefined;
  }
}
