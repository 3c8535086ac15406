import type { FailureKind, Settings } from '../../config/settings.ts';
import type { Dialer } from '../../transports/undici/dialer.ts';
import type { Outcome } from '../../transports/undici/exchange.ts';
import type { Connection } from '../connections/connection.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { FailingConnections } from './failing-connections.ts';
import type { HealthChecks, HealthChecksOwner } from './health-checks.ts';
import { OutlierDetection, type OutlierOwner } from './outlier-detection.ts';
import { Pauses, type PausesOwner } from './pauses.ts';
import { retryAfter } from './retry-after.ts';

/** The status of a response to one who asks too much. */
const TOO_MANY = 429;

/** What health tells the pool, and asks of it. */
export interface HealthOwner extends OutlierOwner<Endpoint> {
  readonly url: URL;
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** Endpoints that may be dialled to be checked. */
  readonly checkable: Iterable<Endpoint>;
  /** A connection of a slot fails: it should make room for another. */
  onConnectionFailing(endpoint: Endpoint, connection: Connection): void;
}

/** Decides which endpoints may be picked, from how their requests end and what they ask for. */
export class Health implements OutlierOwner<Endpoint>, PausesOwner<Endpoint>, HealthChecksOwner {
  /** Something else on the way ejects: nothing is held against anybody. */
  #passive = false;
  readonly #owner: HealthOwner;
  readonly #set: Pick<EndpointSet, 'kindOf'>;
  readonly #settings: Settings;
  readonly #dialer: Dialer;
  readonly #outliers: OutlierDetection<Endpoint>;
  readonly #pauses: Pauses<Endpoint>;
  readonly #connections: FailingConnections;

  #checks: HealthChecks | undefined;
  /** The service is in use. */
  #active = false;

  constructor(owner: HealthOwner, set: Pick<EndpointSet, 'kindOf'>, settings: Settings, dialer: Dialer) {
    const { outlierDetection, clock, random } = settings;
    this.#owner = owner;
    this.#set = set;
    this.#settings = settings;
    this.#dialer = dialer;
    this.#outliers = new OutlierDetection(this, outlierDetection, clock, random);
    this.#pauses = new Pauses(this, this.#outliers.standings, clock);
    this.#connections = new FailingConnections(this.#outliers.threshold, clock);
  }

  /** How many endpoints are passed over now. */
  get passedOver(): number {
    return this.#outliers.passedOver;
  }

  allows(endpoint: Endpoint): boolean {
    return endpoint.health === undefined || this.#outliers.allows(endpoint);
  }

  /** Whether there is nothing against an endpoint, be it used or not. */
  isFit({ health }: Endpoint): boolean {
    return health === undefined || health.standing === 'fit' || health.standing === 'on-trial';
  }

  /** The service is in use from now on, so that its endpoints are checked. */
  start(): void {
    if (this.#settings.healthCheck.path === undefined || this.#active) return;
    this.#active = true;
    if (this.#checks === undefined) void this.#load();
    else this.#checks.start();
  }

  stop(): void {
    this.#active = false;
    this.#checks?.stop();
    this.#outliers.stop();
    this.#pauses.stop();
  }

  /** Most do without, so that it costs them no memory. */
  async #load(): Promise<void> {
    const { HealthChecks } = await import('./health-checks.ts');
    this.#checks ??= new HealthChecks(this, this.#settings, this.#owner.url, this.#dialer);
    if (this.#active) this.#checks.start();
  }

  /** A request to an endpoint has ended. */
  judge(
    endpoint: Endpoint,
    connection: Connection,
    outcome: Exclude<Outcome, 'expired'>,
    status: number,
  ): void {
    if (outcome === 'cancelled' || outcome === 'refused') return;
    endpoint.judged++;
    const isClean = outcome === 'success' && status < 400;
    if ((isClean && endpoint.health === undefined && this.#connections.size === 0) || this.#passive) return;
    if (status !== TOO_MANY) this.#pauses.unlimited(endpoint);
    const kind = this.#set.kindOf(endpoint);
    const failure = this.#failureOf(outcome, status);
    if (kind === 'slot') this.#judgeConnection(endpoint, connection, failure);
    else if (kind === undefined) return;
    else if (failure === undefined) this.#outliers.succeeded(endpoint);
    else this.#outliers.failed(endpoint, failure);
  }

  /** A response of an endpoint on trial has begun. */
  onTried(endpoint: Endpoint, status: number): void {
    if (!this.#outliers.counts(`${status}`)) this.#outliers.proved(endpoint);
  }

  /** An endpoint says 429 or 503; it may have said for how long. */
  onOverloaded(endpoint: Endpoint, status: number, headers: Parameters<typeof retryAfter>[0]): void {
    const duration = retryAfter(headers);
    if (duration === 0 || this.#passive || this.#set.kindOf(endpoint) !== 'pod') return;
    if (status === TOO_MANY) this.#pauses.limited(endpoint, duration);
    else this.#pauses.unavailable(endpoint, duration);
  }

  onDialFailed(endpoint: Endpoint): void {
    const isPod = !this.#passive && this.#set.kindOf(endpoint) === 'pod';
    // One that is connected may have all the connections it wants, and serves on these.
    if (isPod && endpoint.connected === 0 && this.#outliers.counts('connect')) {
      endpoint.judged++;
      this.#outliers.failed(endpoint, 'connect');
    }
    this.review(endpoint);
  }

  /** Whether an endpoint can be reached may have changed. */
  review(endpoint: Endpoint): void {
    const mayMatter = endpoint.health !== undefined || endpoint.dialFailures > 0;
    if (mayMatter && this.#set.kindOf(endpoint) === 'pod') this.#outliers.review(endpoint);
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

  get members(): Iterable<Endpoint> {
    return this.#owner.members;
  }

  get demand(): number {
    return this.#owner.demand;
  }

  get checkable(): Iterable<Endpoint> {
    return this.#passive ? [] : this.#owner.checkable;
  }

  onAiling(endpoint: Endpoint): void {
    if (this.#set.kindOf(endpoint) === 'pod') this.#outliers.ails(endpoint);
  }

  onRecovered(endpoint: Endpoint): void {
    this.#outliers.recovered(endpoint);
  }

  isCommon(endpoint: Endpoint): boolean {
    return this.#outliers.isCommon(endpoint);
  }

  onHealthChanged(endpoint: Endpoint): void {
    this.#owner.onHealthChanged(endpoint);
  }

  #judgeConnection(slot: Endpoint, connection: Connection, failure: FailureKind | undefined): void {
    if (failure === undefined) this.#connections.forget(connection);
    else if (connection.retired === undefined && this.#connections.failed(slot, connection)) {
      this.#owner.onConnectionFailing(slot, connection);
    }
  }

  #failureOf(outcome: Exclude<Outcome, 'expired'>, status: number): FailureKind | undefined {
    const kind = outcome === 'failure' ? 'reset' : outcome === 'timeout' ? 'timeout' : (`${status}` as const);
    return this.#outliers.counts(kind) ? kind : undefined;
  }
}
