import type { FailureKind, OutlierSettings } from '../../config/settings.ts';
import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import { HealthRecord } from './health-record.ts';
import type { Standings, Suspect } from './standings.ts';

/** The share by which an ejection is shortened at most, so that clients don't come back together. */
const JITTER = 0.2;

/** What ejections tell outlier detection, and ask of it. */
export interface EjectionsOwner<S extends Suspect> {
  readonly origin: string;
  readonly standings: Standings<S>;
  /** An endpoint that doesn't fail health checks has been ejected for as long as it should be. */
  onTimeOver(endpoint: S): void;
}

/** Ejects endpoints and restores them: for how long, and how that is told. */
export class Ejections<S extends Suspect> {
  readonly #owner: EjectionsOwner<S>;
  readonly #settings: Pick<OutlierSettings, 'baseEjectionTime' | 'maxEjectionTime'>;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor(
    owner: EjectionsOwner<S>,
    settings: Pick<OutlierSettings, 'baseEjectionTime' | 'maxEjectionTime'>,
    clock: Clock,
    random: () => number,
  ) {
    this.#owner = owner;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** Ejects an endpoint for some time: each time twice as long as the one before. */
  eject(endpoint: S, health: HealthRecord, reason: FailureKind | 'success-rate'): void {
    const { baseEjectionTime, maxEjectionTime } = this.#settings;
    this.forgive(health);
    const longest = Math.min(baseEjectionTime * 2 ** health.ejections, maxEjectionTime);
    const duration = longest * (1 - JITTER * this.#random());
    health.ejections++;
    this.#begin(endpoint, health, reason, duration);
  }

  /** Ejects an endpoint until it passes its health checks. */
  ails(endpoint: S): void {
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    if (health.ailing) return;
    health.ailing = true;
    this.#owner.standings.ailing++;
    if (health.ejection === undefined) this.#begin(endpoint, health, 'health-check', undefined);
  }

  /** An endpoint fails its health checks no more, or has left. */
  heal(health: HealthRecord): void {
    if (!health.ailing) return;
    health.ailing = false;
    this.#owner.standings.ailing--;
  }

  restore(endpoint: S, reason: string): void {
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
    this.#owner.standings.review(endpoint);
    const { origin } = this.#owner;
    const { address } = endpoint;
    if (channels.endpointRestore.hasSubscribers) {
      channels.endpointRestore.publish({ origin, address, reason, duration: now - since });
    }
  }

  /** Each `baseEjectionTime` without an ejection takes one back. */
  forgive(health: HealthRecord): void {
    if (health.ejections === 0) return;
    const { baseEjectionTime } = this.#settings;
    const periods = Math.floor((this.#clock.now() - health.forgivingSince) / baseEjectionTime);
    health.ejections = Math.max(0, health.ejections - periods);
    health.forgivingSince += periods * baseEjectionTime;
  }

  /** Without a duration, health checks end it. */
  #begin(endpoint: S, health: HealthRecord, reason: string, duration: number | undefined): void {
    const timer =
      duration === undefined
        ? undefined
        : this.#clock.schedule(() => {
            if (!health.ailing) this.#owner.onTimeOver(endpoint);
          }, duration);
    health.onProbation = false;
    health.doubt?.cancel();
    health.doubt = undefined;
    health.ejection = { since: this.#clock.now(), timer };
    this.#owner.standings.review(endpoint);
    const { origin } = this.#owner;
    const { address } = endpoint;
    if (channels.endpointEject.hasSubscribers) {
      const forever = Number.POSITIVE_INFINITY;
      channels.endpointEject.publish({ origin, address, reason, duration: duration ?? forever });
    }
  }
}
