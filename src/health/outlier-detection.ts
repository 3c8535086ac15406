import type { Clock } from '../clock.ts';
import type { FailureKind, OutlierSettings } from '../config/settings.ts';
import { channels } from '../telemetry/channels.ts';
import { HealthRecord } from './health-record.ts';

/** The share by which an ejection is shortened at most, so that clients don't come back together. */
const JITTER = 0.2;

/** Of a service that ejects nothing. */
const NONE: OutlierSettings = {
  consecutiveFailures: Number.POSITIVE_INFINITY,
  baseEjectionTime: 1,
  maxEjectionTime: 1,
  maxEjectionPercent: 0,
  panicThreshold: 50,
  failures: [],
};

/** What outlier detection sees of an endpoint. */
export interface Suspect {
  readonly address: string;
  readonly inFlight: number;
  /** Its last dial failed, and nothing is connected. */
  readonly isUnreachable: boolean;
  /** `undefined` to begin with; nobody else writes it. */
  health: HealthRecord | undefined;
}

/** What outlier detection tells the pool, and asks of it. */
export interface OutlierOwner<S> {
  readonly origin: string;
  /** How many endpoints there are. */
  readonly population: number;
  /** Whether the endpoint may be picked has changed. */
  onHealthChanged(endpoint: S): void;
  /** So have the numbers of those that there are, or that are fit to serve. */
  onWeighed(): void;
}

/**
 * Ejects endpoints that fail one request after the other, as Envoy's outlier detection does:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 *
 * What differs: an ejection is twice as long as the one before, and one that is restored is tried with a
 * single request first, as a circuit breaker does.
 */
export class OutlierDetection<S extends Suspect> {
  readonly #owner: OutlierOwner<S>;
  readonly #settings: OutlierSettings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #ejected = new Set<S>();
  /** How many of them fail their health checks. */
  #ailing = 0;
  /** How many are ejected, should be but for the share of those that may, or can't be reached. */
  unfit = 0;
  /** So few are fit that ejected ones serve too. */
  #panic = false;

  constructor(owner: OutlierOwner<S>, settings: OutlierSettings | false, clock: Clock, random: () => number) {
    this.#owner = owner;
    this.#settings = settings === false ? NONE : settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** Failures in a row that are too many. */
  get threshold(): number {
    return this.#settings.consecutiveFailures;
  }

  /** How many endpoints are passed over now. */
  get passedOver(): number {
    return this.#panic ? 0 : this.#ejected.size;
  }

  /** Whether an endpoint, which has a record, may be picked now. */
  allows({ health, inFlight }: S): boolean {
    if (health === undefined || this.#panic) return true;
    return health.ejection === undefined && !(health.onProbation && inFlight > 0);
  }

  /** An endpoint, which has a record, has served a request. */
  succeeded(endpoint: S): void {
    const { health } = endpoint;
    if (health === undefined || health.ejection !== undefined) return;
    health.failures = 0;
    health.onProbation = false;
    this.#forgive(health);
    this.review(endpoint);
  }

  /** Whether that counts as a failure. */
  counts(kind: FailureKind): boolean {
    return this.#settings.failures.includes(kind);
  }

  failed(endpoint: S, kind: FailureKind): void {
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    if (health.ejection !== undefined) return;
    health.failures++;
    if (this.#isOutlier(health) && this.#mayEject) this.#eject(endpoint, health, kind);
    else this.review(endpoint);
  }

  /** An endpoint fails its health checks: it is ejected until it passes them, whatever the share. */
  ails(endpoint: S): void {
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    if (health.ailing) return;
    health.ailing = true;
    this.#ailing++;
    if (health.ejection === undefined) this.#begin(endpoint, health, 'health-check', undefined);
  }

  /** An endpoint that is ejected has passed its health checks. */
  recovered(endpoint: S): void {
    const { health } = endpoint;
    if (health?.ejection === undefined) return;
    this.#heal(health);
    this.#restore(endpoint, 'health-check');
  }

  /** The set of endpoints has changed, and with it the share of those that are fit. */
  weigh(): void {
    const { population } = this.#owner;
    const panic = (population - this.unfit) * 100 < this.#settings.panicThreshold * population;
    if (panic !== this.#panic) {
      this.#panic = panic;
      for (const endpoint of this.#ejected) this.#owner.onHealthChanged(endpoint);
    }
    this.#owner.onWeighed();
  }

  /** Whether an endpoint can be reached may have changed, or something in its record has. */
  review(endpoint: S): void {
    const unreachable = endpoint.isUnreachable;
    if (endpoint.health === undefined && !unreachable) return;
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    const { ejection, failures, ejections, onProbation } = health;
    const unfit = ejection !== undefined || this.#isOutlier(health) || unreachable;
    if (!unfit && failures === 0 && ejections === 0 && !onProbation) endpoint.health = undefined;
    if (unfit === health.unfit) return;
    health.unfit = unfit;
    this.unfit += unfit ? 1 : -1;
    this.weigh();
  }

  /** Forgets an endpoint that has left. */
  forget(endpoint: S): void {
    const { health } = endpoint;
    if (health === undefined) return;
    endpoint.health = undefined;
    health.ejection?.timer?.cancel();
    this.#heal(health);
    this.#ejected.delete(endpoint);
    if (!health.unfit) return;
    this.unfit--;
    this.weigh();
  }

  /** Restores all that are ejected. */
  restoreAll(reason: string): void {
    for (const endpoint of this.#ejected) {
      this.#heal(endpoint.health!);
      this.#restore(endpoint, reason);
    }
  }

  #isOutlier({ failures, onProbation }: HealthRecord): boolean {
    return failures >= (onProbation ? 1 : this.#settings.consecutiveFailures);
  }

  /** One always; more as long as their share isn't above what is allowed. */
  get #mayEject(): boolean {
    const count = this.#ejected.size - this.#ailing;
    return count === 0 || (count + 1) * 100 <= this.#settings.maxEjectionPercent * this.#owner.population;
  }

  #eject(endpoint: S, health: HealthRecord, reason: FailureKind): void {
    const { baseEjectionTime, maxEjectionTime } = this.#settings;
    this.#forgive(health);
    const longest = Math.min(baseEjectionTime * 2 ** health.ejections, maxEjectionTime);
    const duration = longest * (1 - JITTER * this.#random());
    health.ejections++;
    this.#begin(endpoint, health, reason, duration);
  }

  /** Ejects an endpoint; without a duration, until its health checks pass. */
  #begin(endpoint: S, health: HealthRecord, reason: string, duration: number | undefined): void {
    const timer =
      duration === undefined
        ? undefined
        : this.#clock.schedule(() => this.#onTimeOver(endpoint, health), duration);
    health.onProbation = false;
    health.ejection = { since: this.#clock.now(), timer };
    this.#ejected.add(endpoint);
    this.review(endpoint);
    this.#owner.onHealthChanged(endpoint);
    const { origin } = this.#owner;
    const { address } = endpoint;
    if (channels.endpointEject.hasSubscribers) {
      channels.endpointEject.publish({
        origin,
        address,
        reason,
        duration: duration ?? Number.POSITIVE_INFINITY,
      });
    }
  }

  #onTimeOver(endpoint: S, health: HealthRecord): void {
    if (!health.ailing) this.#restore(endpoint, 'time');
  }

  #heal(health: HealthRecord): void {
    if (!health.ailing) return;
    health.ailing = false;
    this.#ailing--;
  }

  #restore(endpoint: S, reason: string): void {
    const { health } = endpoint;
    if (health?.ejection === undefined) return;
    const now = this.#clock.now();
    const { since, timer } = health.ejection;
    timer?.cancel();
    health.ejection = undefined;
    health.failures = 0;
    health.onProbation = true;
    health.forgivingSince = now;
    this.#ejected.delete(endpoint);
    this.review(endpoint);
    this.#owner.onHealthChanged(endpoint);
    const { origin } = this.#owner;
    const { address } = endpoint;
    if (channels.endpointRestore.hasSubscribers) {
      channels.endpointRestore.publish({ origin, address, reason, duration: now - since });
    }
  }

  /** Each `baseEjectionTime` without an ejection takes one back. */
  #forgive(health: HealthRecord): void {
    if (health.ejections === 0) return;
    const { baseEjectionTime } = this.#settings;
    const periods = Math.floor((this.#clock.now() - health.forgivingSince) / baseEjectionTime);
    health.ejections = Math.max(0, health.ejections - periods);
    health.forgivingSince += periods * baseEjectionTime;
  }
}
