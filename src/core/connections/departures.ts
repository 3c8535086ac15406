import type { Clock } from '../base/clock.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Seats } from '../endpoints/seats.ts';
import type { Health } from '../health/health.ts';
import type { Admission } from './admission.ts';
import type { Dials } from './dials.ts';
import type { RetireReason } from './retire-reason.ts';

export interface DeparturesParts {
  readonly set: Pick<EndpointSet, 'superseded' | 'drain' | 'forgetIfClosed'>;
  readonly admission: Pick<Admission, 'place'>;
  readonly dials: Pick<Dials, 'abandon'>;
  readonly health: Pick<Health, 'allows' | 'forget'>;
  readonly seats: Pick<Seats, 'offer'>;
}

/** Milliseconds after which endpoints that were replaced by others of another kind are given up. */
const TAKEOVER = 1_500;

/** Sees endpoints off that have left the set: they take nothing new, and are forgotten when they carry nothing. */
export class Departures {
  readonly #clock: Clock;
  readonly #set: DeparturesParts['set'];
  readonly #admission: DeparturesParts['admission'];
  readonly #dials: DeparturesParts['dials'];
  readonly #health: DeparturesParts['health'];
  readonly #seats: DeparturesParts['seats'];

  constructor(clock: Clock, { set, admission, dials, health, seats }: DeparturesParts) {
    this.#clock = clock;
    this.#set = set;
    this.#admission = admission;
    this.#dials = dials;
    this.#health = health;
    this.#seats = seats;
  }

  /**
   * Endpoints have left the set. Where that was a takeover, what leads to the Service by the other way, its
   * ClusterIP or its pods, is as good until the new ones are connected.
   */
  replaced(gone: readonly Endpoint[], takeover: boolean): void {
    for (const endpoint of gone) {
      this.#seats.offer(endpoint, false);
      this.#health.forget(endpoint);
      if (takeover && endpoint.connected > 0) this.#supersede(endpoint);
      else this.#drain(endpoint, 'endpoint-removed');
    }
  }

  /** Nobody needs these endpoints any more. */
  closed(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      this.#health.forget(endpoint);
      this.#drain(endpoint, 'service-closed');
    }
  }

  /** Forgets an endpoint without connections that has left, or that is a pod behind a virtual IP. */
  forgetIfClosed(endpoint: Endpoint): void {
    // A pod that is passed over is remembered.
    if (endpoint.state.name !== 'draining' && !this.#health.allows(endpoint)) return;
    if (!this.#set.forgetIfClosed(endpoint)) return;
    this.#health.forget(endpoint);
    this.#seats.offer(endpoint, false);
  }

  #drain(endpoint: Endpoint, reason: RetireReason): void {
    this.#set.drain(endpoint, reason);
    this.#dials.abandon(endpoint);
    this.forgetIfClosed(endpoint);
  }

  #supersede(endpoint: Endpoint): void {
    const { superseded } = this.#set;
    endpoint.warm = false;
    superseded.add(endpoint);
    this.#dials.abandon(endpoint);
    this.#admission.place(endpoint);
    if (superseded.size > 1) return;
    this.#clock.schedule(() => {
      for (const old of superseded) this.#drain(old, 'endpoint-removed');
    }, TAKEOVER);
  }
}
