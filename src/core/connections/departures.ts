import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
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

/** Milliseconds after which endpoints that were replaced by others of another kind are given up. */
const TAKEOVER = 1_500;

/** Sees endpoints off that have left the set: they take nothing new, and are forgotten when they carry nothing. */
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
   * Endpoints have left the set. Where that was a takeover, what leads to the Service by the other way, its
   * ClusterIP or its pods, is as good until the new ones are connected.
   */
  replaced(gone: readonly Pod[], takeover: boolean): void {
    for (const endpoint of gone) {
      this.#forgive(endpoint);
      if (takeover && endpoint.connected > 0) this.#supersede(endpoint);
      else this.#drain(endpoint, 'endpoint-removed');
    }
  }

  /** Nobody needs these endpoints any more. */
  closed(endpoints: readonly Pod[]): void {
    for (const endpoint of endpoints) {
      this.#forgive(endpoint);
      this.#drain(endpoint, 'service-closed');
    }
  }

  /** Forgets an endpoint without connections that has left, or that is a pod behind a virtual IP. */
  forgetIfClosed(endpoint: Pod): void {
    // A pod that is passed over is remembered.
    if (endpoint.connections.size > 0 || (!endpoint.isDraining && !endpoint.isHealthy)) return;
    if (!this.#set.forget(endpoint)) return;
    this.#health.forget(endpoint);
    this.#seats.offer(endpoint, false);
    // Those that are left may be too few to pass any of them over.
    this.#health.onSetChanged();
  }

  /** Nothing is held against it any more. It is none that is back for that. */
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

  /** Nothing is dialled for it any more. A failure of its dials is forgotten with that, for which it might be offered. */
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
