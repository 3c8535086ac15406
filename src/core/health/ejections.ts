import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import type { HealthRecord } from '../endpoints/health-record.ts';
import type { FailureRates } from './failure-rates.ts';
import type { EjectReason, OutlierSettings, RestoreReason } from './settings.ts';
import { recordOf, type Standings, type Suspect } from './standings.ts';

/** By which part an ejection is shortened at most, at random, so that clients don't come back together. */
const JITTER = 0.2;

export interface EjectionsOptions<S extends Suspect> {
  settings: Pick<OutlierSettings, 'baseEjectionTime' | 'maxEjectionTime'>;
  standings: Standings<S>;
  rates: FailureRates<S>;
  clock: Clock;
  random: () => number;
}

/** Ejects endpoints and restores them: decides for how long, and publishes it. */
export class Ejections<S extends Suspect> {
  readonly #settings: EjectionsOptions<S>['settings'];
  readonly #standings: Standings<S>;
  readonly #rates: FailureRates<S>;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor({ settings, standings, rates, clock, random }: EjectionsOptions<S>) {
    this.#settings = settings;
    this.#standings = standings;
    this.#rates = rates;
    this.#clock = clock;
    this.#random = random;
  }

  /** Ejects an endpoint for some time: each time twice as long as the last time. */
  eject(endpoint: S, health: HealthRecord, reason: Exclude<EjectReason, 'health-check'>): void {
    const { baseEjectionTime, maxEjectionTime } = this.#settings;
    this.forgive(health);
    const longest = Math.min(baseEjectionTime * 2 ** health.ejections, maxEjectionTime);
    const duration = longest * (1 - JITTER * this.#random());
    health.ejections++;
    this.#begin(endpoint, health, reason, duration);
  }

  /** Ejects an endpoint until it passes its health checks. */
  ails(endpoint: S): void {
    const health = recordOf(endpoint);
    if (health.ailing) return;
    health.ailing = true;
    this.#standings.ailing++;
    if (health.ejection === undefined) this.#begin(endpoint, health, 'health-check');
  }

  /** An endpoint no longer fails its health checks, or has left. */
  heal(health: HealthRecord): void {
    if (!health.ailing) return;
    health.ailing = false;
    this.#standings.ailing--;
  }

  restore(endpoint: S, reason: RestoreReason): void {
    this.#rates.forget(endpoint);
    const { health } = endpoint;
    if (health?.ejection === undefined) return;
    const now = this.#clock.now();
    const { since, timer } = health.ejection;
    timer?.cancel();
    health.ejection = undefined;
    health.failures = 0;
    health.lookAt = 0;
    health.onProbation = true;
    health.forgivingSince = now;
    this.#standings.review(endpoint);
    const { origin, address } = endpoint;
    if (channels.endpointRestore.hasSubscribers) {
      channels.endpointRestore.publish({ origin, address, reason, duration: now - since });
    }
  }

  /** Each `baseEjectionTime` without an ejection takes back one doubling. */
  forgive(health: HealthRecord): void {
    if (health.ejections === 0) return;
    const { baseEjectionTime } = this.#settings;
    const periods = Math.floor((this.#clock.now() - health.forgivingSince) / baseEjectionTime);
    health.ejections = Math.max(0, health.ejections - periods);
    health.forgivingSince += periods * baseEjectionTime;
  }

  /** Without a duration, health checks end the ejection. */
  #begin(endpoint: S, health: HealthRecord, reason: EjectReason, duration = Number.POSITIVE_INFINITY): void {
    const timer =
      duration === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.schedule(() => {
            if (!health.ailing) this.restore(endpoint, 'time');
          }, duration);
    const since = this.#clock.now();
    health.onProbation = false;
    health.failingEnd?.cancel();
    health.failingEnd = undefined;
    health.ejection = { reason, since, until: since + duration, timer };
    this.#standings.review(endpoint);
    const { origin, address } = endpoint;
    if (channels.endpointEject.hasSubscribers) {
      channels.endpointEject.publish({ origin, address, reason, duration });
    }
  }
}
