import type { Clock } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { HealthRecord } from '../endpoints/health-record.ts';
import type { Checker } from './checker.ts';
import { FailingConnections } from './failing-connections.ts';
import type { HealthChecks } from './health-checks.ts';
import type { Outcome } from './outcome.ts';
import { OutlierDetection } from './outlier-detection.ts';
import { Pauses } from './pauses.ts';
import { retryAfter } from './retry-after.ts';
import type { FailureKind, HealthSettings } from './settings.ts';
import { UnaskedResponses } from './unasked-responses.ts';

/** The status for a caller that sends too many requests. */
const TOO_MANY = 429;

export interface HealthOptions<E extends Endpoint> {
  settings: HealthSettings;
  set: EndpointSet<E>;
  checker: Checker;
  demand: Demand;
  clock: Clock;
  random: () => number;
}

/** Decides which endpoints may be picked: from how their requests end, and from what they ask for. */
export class Health<E extends Endpoint> {
  readonly #options: HealthOptions<E>;
  readonly #set: EndpointSet<E>;
  readonly #outliers: OutlierDetection<E>;
  readonly #pauses: Pauses<E>;
  readonly #connections: FailingConnections;
  readonly #unasked = new UnaskedResponses<E>();

  #checks: HealthChecks<E> | undefined;
  /** Whether the service is in use. */
  #active = false;

  constructor(options: HealthOptions<E>) {
    const { settings, set, clock, random } = options;
    this.#options = options;
    this.#set = set;
    this.#outliers = new OutlierDetection(set, settings.outlierDetection, clock, random);
    this.#pauses = new Pauses(set, this.#outliers, clock);
    this.#connections = new FailingConnections(this.#outliers.threshold, clock);
  }

  /** How many endpoints get no requests now. */
  get passedOver(): number {
    return this.#outliers.passedOver;
  }

  /** The service is in use from now on, so its endpoints are checked. */
  start(): void {
    if (this.#options.settings.healthCheck.path === undefined || this.#active) return;
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

  /** Loaded when needed, because most services have no health checks. */
  async #load(): Promise<void> {
    const { HealthChecks } = await import('./health-checks.ts');
    const { settings, ...options } = this.#options;
    this.#checks ??= new HealthChecks({
      ...options,
      settings: settings.healthCheck,
      outliers: this.#outliers,
    });
    if (this.#active) this.#checks.start();
  }

  /**
   * A request to an endpoint has ended.
   *
   * @param connection behind a virtual IP, a failure counts against this connection
   * @returns whether another connection should take the place of this one
   */
  judge(
    endpoint: E,
    connection: { readonly retired: unknown },
    outcome: Exclude<Outcome, 'expired'>,
    status: number,
  ): boolean {
    if (outcome === 'cancelled' || outcome === 'refused') return false;
    endpoint.judge();
    const isClean = outcome === 'success' && status < 400;
    if (isClean && endpoint.health === undefined && this.#connections.size === 0) return false;
    if (this.#set.isPassive) return false;
    if (status !== TOO_MANY) this.#pauses.unlimited(endpoint);
    const kind = this.#set.kindOf(endpoint);
    const failure = this.#failureOf(outcome, status);
    if (kind === 'virtual') return this.#judgeConnection(endpoint, connection, failure);
    if (kind === undefined) return false;
    if (failure === undefined) this.#outliers.succeeded(endpoint);
    else this.#outliers.failed(endpoint, failure);
    return false;
  }

  #judgeConnection(
    endpoint: E,
    connection: { readonly retired: unknown },
    failure: FailureKind | undefined,
  ): boolean {
    if (failure === undefined) this.#connections.forget(connection);
    else if (connection.retired === undefined) return this.#connections.failed(endpoint, connection);
    return false;
  }

  /** A response of an endpoint with a record has begun: it isn't silent, and may have proved itself. */
  onAnswered(endpoint: E, status: number): void {
    this.#outliers.standings.setSilence(endpoint, undefined);
    if (!this.#outliers.counts(`${status}`)) this.#outliers.proved(endpoint);
  }

  /** An endpoint has answered 429 or 503. A header may say for how long it wants no requests. */
  onOverloaded(endpoint: E, status: number, headers: Parameters<typeof retryAfter>[0]): void {
    const duration = retryAfter(headers);
    if (duration > 0) this.onPushback(endpoint, status, duration);
  }

  /** An endpoint has answered 429 or 503, and wants no requests for `duration` milliseconds. */
  onPushback(endpoint: E, status: number, duration: number): void {
    if (this.#set.isPassive || this.#set.kindOf(endpoint) !== 'pod') return;
    if (status === TOO_MANY) this.#pauses.limited(endpoint, duration);
    else this.#pauses.unavailable(endpoint, duration);
  }

  /**
   * Callers gave up one request after another to an endpoint, without an answer: it rests, or is asked. `undefined`: that
   * says nothing about it, after all. Returns whether the endpoint is a pod, about which it may say something.
   */
  setSilence(endpoint: E, silence: HealthRecord['silence']): boolean {
    if (silence !== undefined && (this.#set.isPassive || this.#set.kindOf(endpoint) !== 'pod')) return false;
    this.#outliers.standings.setSilence(endpoint, silence);
    return true;
  }

  /** A dial to an endpoint has failed. */
  onDialFailed(endpoint: E): void {
    const isPod = !this.#set.isPassive && this.#set.kindOf(endpoint) === 'pod';
    // An endpoint that is connected may refuse more connections, and still serve on those that it has.
    if (isPod && endpoint.connected === 0 && this.#outliers.counts('connect')) {
      endpoint.judge();
      this.#outliers.failed(endpoint, 'connect');
    }
    this.review(endpoint);
  }

  /** An endpoint has sent a response that no request had asked for. */
  onUnasked(endpoint: E): void {
    if (this.#set.isPassive || this.#set.kindOf(endpoint) !== 'pod' || !this.#outliers.counts('reset'))
      return;
    endpoint.judge();
    // The requests in between look served. So a habit counts as a whole row of failures.
    this.#outliers.failed(endpoint, 'reset', this.#unasked.isHabit(endpoint) ? this.#outliers.threshold : 1);
  }

  /** An endpoint may have become reachable or unreachable. */
  review(endpoint: E): void {
    const mayMatter = endpoint.health !== undefined || endpoint.isUnreachable;
    if (mayMatter && this.#set.kindOf(endpoint) === 'pod') this.#outliers.review(endpoint);
  }

  /** The set of endpoints has changed. */
  onSetChanged(): void {
    if (this.#set.isPassive) this.#outliers.restoreAll('mesh');
    this.#outliers.reviewPanic();
  }

  /** Forgets an endpoint that has left the set. */
  forget(endpoint: E): void {
    this.#outliers.forget(endpoint);
    this.#pauses.forget(endpoint);
  }

  forgetConnection(connection: object): void {
    this.#connections.forget(connection);
  }

  #failureOf(outcome: Exclude<Outcome, 'expired'>, status: number): FailureKind | undefined {
    const kind = outcome === 'failure' ? 'reset' : outcome === 'timeout' ? 'timeout' : (`${status}` as const);
    return this.#outliers.counts(kind) ? kind : undefined;
  }
}
