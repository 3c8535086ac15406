import type { Clock } from '../base/clock.ts';
import { HealthRecord } from '../endpoints/health-record.ts';
import { Ejections } from './ejections.ts';
import { FailureRates, type Sample, tellingRun, usualRate } from './failure-rates.ts';
import { OftenFailing } from './often-failing.ts';
import type { FailureKind, OutlierSettings, RestoreReason } from './settings.ts';
import { recordOf, Standings, type Suspect, type Suspects } from './standings.ts';
import { outliersOf } from './success-rate.ts';

/** The settings of a service that ejects nothing. */
const NONE: OutlierSettings = {
  consecutiveFailures: Number.POSITIVE_INFINITY,
  successRateInterval: 10_000,
  successRateMinimumHosts: 1,
  successRateRequestVolume: 1,
  successRateStdevFactor: 0,
  enforcingSuccessRate: 0,
  baseEjectionTime: 1,
  maxEjectionTime: 1,
  maxEjectionPercent: 0,
  panicThreshold: 50,
  failures: [],
};

/**
 * Ejects endpoints that fail many requests in a row, or more than the others do, as the outlier detection of Envoy and
 * gRPC does: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 * https://github.com/grpc/proposal/blob/master/A50-xds-outlier-detection.md
 *
 * Three things differ. Each ejection is twice as long as the last one. A restored endpoint first gets a single request,
 * as after a circuit breaker. And failures that the other endpoints would have by chance too don't count: if all
 * endpoints fail alike, none is ejected.
 */
export class OutlierDetection<S extends Suspect> {
  /** How the endpoints stand, for any reason. */
  readonly standings: Standings<S>;
  readonly #suspects: Suspects<S>;
  readonly #settings: OutlierSettings;
  readonly #random: () => number;
  readonly #rates: FailureRates<S>;
  readonly #oftenFailing: OftenFailing<S>;
  readonly #ejections: Ejections<S>;

  constructor(suspects: Suspects<S>, settings: OutlierSettings | false, clock: Clock, random: () => number) {
    this.#suspects = suspects;
    this.#settings = settings === false ? NONE : settings;
    this.#random = random;
    const { successRateInterval: interval, successRateRequestVolume: volume } = this.#settings;
    const rates = new FailureRates(suspects, {
      interval,
      volume,
      clock,
      onInterval: (samples) => this.#onInterval(samples),
    });
    this.#oftenFailing = new OftenFailing(this.#rateOf);
    const standings = new Standings(suspects, this.#settings, clock);
    this.#rates = rates;
    this.standings = standings;
    this.#ejections = new Ejections({ settings: this.#settings, standings, rates, clock, random });
  }

  /** How many failures in a row are too many. */
  get threshold(): number {
    return this.#settings.consecutiveFailures;
  }

  /** How many endpoints get no requests now. */
  get passedOver(): number {
    return this.standings.passedOver;
  }

  /** An endpoint with a record has served a request. */
  succeeded(endpoint: S): void {
    const { health } = endpoint;
    if (health === undefined) return;
    if (health.ejection !== undefined) {
      // In panic, an ejected endpoint that serves a request is restored. Otherwise the answer is a late one, and says
      // nothing.
      if (!this.standings.isPanic || health.ailing) return;
      this.#ejections.restore(endpoint, 'success');
    }
    health.failures = 0;
    health.lookAt = 0;
    health.onProbation = false;
    health.failingEnd?.cancel();
    health.failingEnd = undefined;
    this.#ejections.forgive(health);
    this.#oftenFailing.note(endpoint);
    this.review(endpoint);
  }

  /** A response of an endpoint on trial has begun. That is enough, even if the response is long. */
  proved(endpoint: S): void {
    const { health } = endpoint;
    if (health === undefined || health.standing !== 'on-trial') return;
    health.onProbation = false;
    this.review(endpoint);
  }

  /** Whether this kind of failure counts. */
  counts(kind: FailureKind): boolean {
    return this.#settings.failures.includes(kind);
  }

  /** @param weight as how many failures in a row it counts */
  failed(endpoint: S, kind: FailureKind, weight = 1): void {
    const health = recordOf(endpoint);
    if (health.ejection !== undefined) return;
    health.failures += weight;
    this.#rates.failed(endpoint);
    if (this.#isOutlier(endpoint, health) && this.#mayBeOut(endpoint))
      this.#ejections.eject(endpoint, health, kind);
    else this.review(endpoint);
    this.#oftenFailing.note(endpoint);
  }

  /** An endpoint fails its health checks: ejects it until it passes them, whatever `maxEjectionPercent` says. */
  ails(endpoint: S): void {
    this.#ejections.ails(endpoint);
    this.#oftenFailing.note(endpoint);
  }

  /** An ejected endpoint has passed its health checks. */
  recovered(endpoint: S): void {
    if (endpoint.health?.ejection === undefined) return;
    this.#ejections.heal(endpoint.health);
    this.#ejections.restore(endpoint, 'health-check');
    this.#oftenFailing.note(endpoint);
  }

  /** The set of endpoints has changed, and with it the share of those that can serve. */
  reviewPanic(): void {
    this.standings.reviewPanic();
  }

  /** An endpoint may have become reachable or unreachable, or its record has changed. */
  review(endpoint: S): void {
    this.standings.review(endpoint);
  }

  /** Whether most other endpoints fail too. */
  isCommon(endpoint: S): boolean {
    return this.#oftenFailing.besides(endpoint) * 2 > this.#suspects.members.size - 1;
  }

  /** Forgets an endpoint that has left. */
  forget(endpoint: S): void {
    this.#rates.forget(endpoint);
    this.#oftenFailing.forget(endpoint);
    const { health } = endpoint;
    if (health === undefined) return;
    endpoint.setHealth(undefined);
    health.ejection?.timer?.cancel();
    health.pause?.timer.cancel();
    health.failingEnd?.cancel();
    this.#ejections.heal(health);
    this.standings.forget(endpoint, health);
  }

  /** The service is idle. */
  stop(): void {
    this.#rates.stop();
    this.#oftenFailing.noteAll(this.#suspects.members.values());
  }

  /** Restores all endpoints that are ejected, paused or silent. */
  restoreAll(reason: RestoreReason): void {
    for (const endpoint of [...this.standings.silent]) this.standings.setSilence(endpoint, undefined);
    for (const endpoint of [...this.standings.out]) {
      const health = endpoint.health!;
      health.silence = undefined;
      this.#endPause(endpoint, health);
      this.#ejections.heal(health);
      this.#ejections.restore(endpoint, reason);
    }
  }

  #onInterval(samples: readonly Sample<S>[]): void {
    const { successRateMinimumHosts, successRateStdevFactor, enforcingSuccessRate } = this.#settings;
    this.#oftenFailing.noteAll(this.#suspects.members.values());
    for (const { endpoint } of outliersOf(samples, successRateMinimumHosts, successRateStdevFactor)) {
      const health = endpoint.health ?? new HealthRecord();
      if (health.ejection !== undefined || this.#random() * 100 >= enforcingSuccessRate) continue;
      if (!this.#mayBeOut(endpoint)) return;
      endpoint.setHealth(health);
      this.#ejections.eject(endpoint, health, 'success-rate');
      this.#oftenFailing.note(endpoint);
    }
  }

  /** Whether an endpoint has failed more requests in a row than the others would by chance. */
  #isOutlier(endpoint: S, health: HealthRecord): boolean {
    const { failures } = health;
    const least = this.standings.leastRun(health);
    if (failures < least || failures < health.lookAt) return false;
    const enough = tellingRun(least, usualRate(endpoint, this.#suspects.members.values(), this.#rateOf));
    // The rates of the others may change meanwhile.
    health.lookAt = Math.min(enough, failures + this.#settings.consecutiveFailures);
    return failures >= enough;
  }

  /** Which share of its requests an endpoint has failed lately, or of the very last ones, from 0 to 1. */
  readonly #rateOf = (endpoint: S): number => {
    const rate = this.#rates.rateOf(endpoint);
    const { health } = endpoint;
    if (health === undefined) return rate;
    if (health.ejection !== undefined) return 1;
    return Math.max(rate, Math.min(1, health.failures / this.#settings.consecutiveFailures));
  };

  /** Whether one more endpoint may be out. If not, a paused endpoint makes room for one that fails. */
  #mayBeOut(endpoint: S): boolean {
    const { standings } = this;
    if (endpoint.health?.standing === 'out') return true;
    for (const paused of standings.out) {
      if (standings.allowsOneMore) break;
      const { health } = paused;
      if (health?.ejection === undefined && health?.pause !== undefined) this.#endPause(paused, health);
    }
    return standings.allowsOneMore;
  }

  #endPause(endpoint: S, health: HealthRecord): void {
    if (health.pause === undefined) return;
    health.pause.timer.cancel();
    health.pause = undefined;
    this.review(endpoint);
  }
}
