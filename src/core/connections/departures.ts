import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import { type EndpointSet, TAKEOVER } from '../endpoints/endpoint-set.ts';
import type { Seats } from '../endpoints/seats.ts';
import type { Weights } from '../endpoints/weights.ts';
import type { Health } from '../health/health.ts';
import type { Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import type { RetireReason } from './retire-reason.ts';

export interface DeparturesOptions {
  clock: Clock;
  set: EndpointSet<Pod>;
  dials: Dials;
  health: Health<Pod>;
  seats: Seats<Pod>;
  weights: Weights<Pod>;
}

/** Handles endpoints that have left the set: they get nothing new, and are forgotten when they carry nothing. */
export class Departures {
  readonly #clock: Clock;
  readonly #set: EndpointSet<Pod>;
  readonly #dials: Dials;
  readonly #health: Health<Pod>;
  readonly #seats: Seats<Pod>;
  readonly #weights: Weights<Pod>;

  constructor({ clock, set, dials, health, seats, weights }: DeparturesOptions) {
    this.#clock = clock;
    this.#set = set;
    this.#dials = dials;
    this.#health = health;
    this.#seats = seats;
    this.#weights = weights;
  }

  /**
   * Endpoints have left the set. In a takeover, the new endpoints are of another kind (pods instead of their ClusterIP,
   * or the other way round). Then the old ones lead to the same Service, and serve until the new ones are connected.
   */
  replaced(gone: readonly Pod[], takeover: boolean): void {
    for (const endpoint of gone) {
      this.#forgive(endpoint);
      if (takeover && endpoint.connected > 0) this.#supersede(endpoint);
      else this.#drain(endpoint, 'endpoint-removed');
    }
  }

  /** The service closes, so these endpoints are no longer needed. */
  closed(endpoints: readonly Pod[]): void {
    for (const endpoint of endpoints) {
      this.#forgive(endpoint);
      this.#drain(endpoint, 'service-closed');
    }
  }

  /** Forgets an endpoint without connections, if it has left, or is a pod behind a virtual IP. */
  forgetIfClosed(endpoint: Pod): void {
    // Remembers a pod that health keeps from requests.
    if (endpoint.connections.size > 0 || (!endpoint.isDraining && !endpoint.isHealthy)) return;
    if (!this.#set.forget(endpoint)) return;
    this.#health.forget(endpoint);
    this.#seats.offer(endpoint, false);
    // The remaining endpoints may be too few to keep any of them from requests.
    this.#health.onSetChanged();
  }

  /** Forgets its failures and its weight. If it comes back, it is new. */
  #forgive(endpoint: Pod): void {
    this.#weights.forget(endpoint);
    this.#health.forget(endpoint);
  }

  #drain(endpoint: Pod, reason: RetireReason): void {
    this.#set.drain(endpoint);
    for (const connection of endpoint.connections) connection.retire(reason);
    const { origin, address } = endpoint;
    if (channels.endpointRemove.hasSubscribers) channels.endpointRemove.publish({ origin, address, reason });
    this.#abandon(endpoint);
    this.forgetIfClosed(endpoint);
  }

  /** Gives up the dials to it. That also forgets a failed dial, after which `seats` might offer the endpoint again. */
  #abandon(endpoint: Pod): void {
    this.#dials.abandon(endpoint);
    this.#seats.offer(endpoint, false);
  }

  #supersede(endpoint: Pod): void {
    const { superseded } = this.#set;
    this.#set.supersede(endpoint);
    this.#abandon(endpoint);
    if (superseded.size > 1) return;
    this.#clock.schedule(() => {
      for (const old of superseded) this.#drain(old, 'endpoint-removed');
    }, TAKEOVER);
  }
}
