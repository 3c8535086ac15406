import type { HashRing } from '../balancing/hash-ring.ts';
import { shuffled } from '../base/shuffle.ts';
import type { EndpointUpdate } from '../discovery/resolver.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { LocalityRouting } from '../endpoints/locality-routing.ts';
import { OwnEndpoints } from '../endpoints/own-endpoints.ts';
import type { Seats } from '../endpoints/seats.ts';
import type { Subset } from '../endpoints/subset.ts';
import type { Weights } from '../endpoints/weights.ts';
import type { Health } from '../health/health.ts';
import type { Pod } from './connection.ts';
import type { Departures } from './departures.ts';
import type { PodIdentity } from './pod-identity.ts';
import type { Preconnect } from './preconnect.ts';
import type { Reach } from './reach.ts';
import type { Spread } from './spread.ts';
import type { Upkeep } from './upkeep.ts';

export interface MembershipOptions {
  settings: { readonly random: () => number };
  subset: Subset | undefined;
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  seats: Seats<Pod>;
  weights: Weights<Pod>;
  ring: HashRing<Pod> | undefined;
  health: Health<Pod>;
  localityRouting: LocalityRouting<Pod> | undefined;
  identity: PodIdentity;
  spread: Spread;
  upkeep: Upkeep;
  preconnect: Preconnect;
  reach: Reach;
  departures: Departures;
}

/** Applies new sets of endpoints. Endpoints that stay keep their connections, counts and penalties. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #own: OwnEndpoints;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#own = new OwnEndpoints(options.subset);
    options.spread.watch(() => this.#respread());
  }

  /** Whether discovery has said which endpoints there are, even if there are none. */
  get isKnown(): boolean {
    return this.#own.isKnown;
  }

  /**
   * The order matters. Endpoints that leave make room first; and an endpoint has its weight and its place before it is
   * dialled.
   */
  update(update: EndpointUpdate): void {
    const { settings, set, board, seats, weights, ring, health, identity, spread } = this.#options;
    const { localityRouting, upkeep, preconnect, reach, departures } = this.#options;
    const { fresh, gone, takeover } = set.replace(this.#own.of(update), spread.slots);
    const isSeenOtherwise = identity.onSetChanged();
    localityRouting?.locate(gone, update.here);
    if (fresh.length + gone.length > 0) upkeep.replace(fresh, gone);
    if (takeover) gone.push(...set.pods.values());
    departures.replaced(gone, takeover);
    const { current, isVirtual } = set;
    weights.update(current.values(), fresh, fresh.length === current.size || isVirtual);
    ring?.update(fresh, gone);
    // A key leads to its old endpoint until its new one is connected.
    if (set.isConnected) for (const endpoint of fresh) endpoint.setUnproven();
    health.onSetChanged();
    reach.freeze(update.withdrawn ?? false);
    if (fresh.length + gone.length === 0) return;
    // In random order, so that different clients begin with different endpoints.
    for (const endpoint of shuffled(fresh, settings.random)) {
      board.update(endpoint);
      seats.offer(endpoint, true);
    }
    if (isSeenOtherwise) board.updateAll(set);
    preconnect.connect(fresh);
  }

  /** Splits a virtual IP into more slots, or fewer. */
  #respread(): void {
    const { current } = this.#own;
    if (current?.virtual) this.update(current);
  }

  /**
   * None of the endpoints that this client uses can be reached. If there are others, uses more. Returns the update to
   * apply again.
   */
  widen(): EndpointUpdate | undefined {
    const { set } = this.#options;
    return set.frozen ? undefined : this.#own.widen(set.current.size);
  }

  /**
   * An endpoint can be reached. If it is one of this client's own, stops using others. Returns the update to apply
   * again.
   */
  narrow({ address }: Pod): EndpointUpdate | undefined {
    return this.#own.narrow(address);
  }
}
