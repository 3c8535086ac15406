import { HashRing } from '../../core/balancing/hash-ring.ts';
import { Locality } from '../../core/balancing/locality.ts';
import { channels } from '../../core/base/channels.ts';
import type { Demand } from '../../core/base/demand.ts';
import { drawDuration } from '../../core/connections/connection-factory.ts';
import type { RetireReason } from '../../core/connections/retire-reason.ts';
import type { PoolSettings } from '../../core/connections/settings.ts';
import { Spread, type SpreadRate } from '../../core/connections/spread.ts';
import type { EndpointUpdate } from '../../core/discovery/resolver.ts';
import { PickerBoard } from '../../core/endpoints/board.ts';
import { EndpointSet, TAKEOVER } from '../../core/endpoints/endpoint-set.ts';
import { LocalityRouting } from '../../core/endpoints/locality-routing.ts';
import { OwnEndpoints } from '../../core/endpoints/own-endpoints.ts';
import { Pickers } from '../../core/endpoints/pickers.ts';
import { HEALTH } from '../../core/endpoints/reasons.ts';
import { subsetFor } from '../../core/endpoints/subset.ts';
import { Weights } from '../../core/endpoints/weights.ts';
import { Health } from '../../core/health/health.ts';
import { GrpcEndpoint, type GrpcSlot } from './grpc-endpoint.ts';

/**
 * How many connections to an endpoint there are at most, without the option `connections`. Beyond that, calls wait at
 * the server's limit.
 */
const MOST_CONNECTIONS = 16;
/** evenkeel sends no health checks to gRPC pods: HTTP health checks would be another protocol. */
const UNCHECKED = { isProcessHeld: () => true, check: () => ({ abandon() {} }) };

/** A channel, which connects endpoints. */
export interface FleetMember {
  /** Make this connection. */
  connect(slot: GrpcSlot): void;
  /** No longer use this connection. */
  release(slot: GrpcSlot): void;
}

export interface FleetOptions {
  settings: PoolSettings;
  origin: string;
  /** Differs from process to process. Where processes should make different choices, this decides. */
  identity: string;
  demand: Demand;
  /** The rate of calls. */
  rate: SpreadRate;
  /** No endpoint can be reached. Returns whether discovery will soon bring news. */
  onUnreachable: () => boolean;
}

/** The endpoints of a target, and the slots for connections to them. All channels of the target share them. */
export class Fleet {
  readonly set: EndpointSet<GrpcEndpoint>;
  readonly board: PickerBoard<GrpcEndpoint>;
  readonly pickers: Pickers<GrpcEndpoint>;
  readonly health: Health<GrpcEndpoint>;
  /** Leads from keys to endpoints, with the policy `ring-hash`. */
  readonly ring: HashRing<GrpcEndpoint> | undefined;
  /** How many calls stay in the own zone, with the option `locality`. */
  readonly locality: Locality | undefined;
  /** Into how many slots a virtual IP is split. */
  readonly spread: Spread;
  readonly members = new Set<FleetMember>();
  /** No endpoint can be connected, and discovery may still bring others. */
  awaitsNews = false;
  readonly #options: FleetOptions;
  readonly #own: OwnEndpoints;
  readonly #weights: Weights<GrpcEndpoint>;
  readonly #localityRouting: LocalityRouting<GrpcEndpoint> | undefined;

  constructor(options: FleetOptions) {
    const { settings, origin, identity, demand, rate } = options;
    const { clock, random, policy, slowStart } = settings;
    this.#options = options;
    this.locality =
      settings.locality === 'off' ? undefined : new Locality(settings.locality, settings.kubernetes, random);
    this.pickers = new Pickers(settings, this.locality);
    this.board = new PickerBoard(origin, this.pickers, Number.POSITIVE_INFINITY);
    this.set = new EndpointSet((key, info) => new GrpcEndpoint(key, info, this.board, clock));
    this.ring = policy === 'ring-hash' ? new HashRing() : undefined;
    this.#weights = new Weights({
      slowStart: this.ring === undefined ? slowStart : { ...slowStart, window: 0 },
      clock,
      onChange: (endpoint) => {
        this.ring?.reweigh(endpoint);
        this.board.reweigh(endpoint, this.set);
      },
    });
    this.health = new Health({
      settings: { ...settings, healthCheck: { ...settings.healthCheck, path: undefined } },
      set: this.set,
      checker: UNCHECKED,
      demand,
      clock,
      random,
    });
    this.spread = new Spread(settings, this.set, rate);
    this.spread.watch(() => this.#respread());
    this.#own = new OwnEndpoints(subsetFor(settings.subset, identity));
    this.#localityRouting =
      this.locality &&
      new LocalityRouting({ locality: this.locality, set: this.set, board: this.board, onWeighed() {} });
    this.board.watch((endpoint, before) => this.#onReasons(endpoint, before));
  }

  /** Whether discovery has said which endpoints there are, even if there are none. */
  get isKnown(): boolean {
    return this.#own.isKnown;
  }

  /** The slots of endpoints that serve. */
  *slots(): Generator<GrpcSlot> {
    for (const { slots } of this.set.current.values()) yield* slots;
    for (const { slots } of this.set.superseded) yield* slots;
  }

  /** Applies a new set of endpoints. Endpoints that stay keep their connections, counts and penalties. */
  update(update: EndpointUpdate): void {
    this.awaitsNews = false;
    const { set, ring, spread } = this;
    const { fresh, gone, takeover } = set.replace(this.#own.of(update), spread.slots);
    this.#localityRouting?.locate(gone, update.here);
    for (const endpoint of gone) {
      this.health.forget(endpoint);
      if (takeover && endpoint.connected > 0) this.#supersede(endpoint);
      else this.#drain(endpoint, 'endpoint-removed');
    }
    const { current, isVirtual } = set;
    this.#weights.update(current.values(), fresh, fresh.length === current.size || isVirtual);
    ring?.update(fresh, gone);
    this.health.onSetChanged();
    set.frozen = update.withdrawn ?? false;
    for (const endpoint of fresh) this.#addSlot(endpoint);
  }

  /** Splits a virtual IP into more slots, or fewer. */
  #respread(): void {
    const { current } = this.#own;
    if (current?.virtual) this.update(current);
  }

  #supersede(endpoint: GrpcEndpoint): void {
    this.set.supersede(endpoint);
    this.#options.settings.clock.schedule(() => this.#endTakeover(), TAKEOVER);
  }

  /** The endpoints of the last set have served until now. */
  #endTakeover(): void {
    for (const endpoint of [...this.set.superseded]) this.#drain(endpoint, 'endpoint-removed');
  }

  #drain(endpoint: GrpcEndpoint, reason: RetireReason): void {
    this.set.drain(endpoint);
    for (const slot of [...endpoint.slots]) this.#removeSlot(slot, reason);
    const { origin, address } = endpoint;
    if (channels.endpointRemove.hasSubscribers) channels.endpointRemove.publish({ origin, address, reason });
    this.forgetIfDone(endpoint);
  }

  /** Forgets an endpoint that has left, once it carries nothing. */
  forgetIfDone(endpoint: GrpcEndpoint): void {
    if (endpoint.isDraining && endpoint.carried === 0) this.set.forget(endpoint);
  }

  /** The endpoints are no longer needed. */
  close(): void {
    this.health.stop();
    this.spread.stop();
    for (const endpoint of this.set.clear()) {
      this.health.forget(endpoint);
      this.#drain(endpoint, 'service-closed');
    }
    // Last, because ejected endpoints are restored before, and would start slowly.
    this.#weights.stop();
  }

  // Slots

  #addSlot(endpoint: GrpcEndpoint): void {
    const slot = endpoint.addSlot();
    for (const member of this.members) member.connect(slot);
  }

  #removeSlot(slot: GrpcSlot, reason: RetireReason): void {
    slot.endpoint.removeSlot(slot);
    if (slot.retired === undefined) slot.endpoint.countRetired();
    slot.retire(reason);
    for (const member of this.members) member.release(slot);
    this.health.forgetConnection(slot);
    slot.endpoint.restack();
  }

  /** Makes one more connection to an endpoint whose connections are full. */
  widen(endpoint: GrpcEndpoint): void {
    const { connections } = this.#options.settings;
    const most = Number.isFinite(connections) ? connections : MOST_CONNECTIONS;
    if (endpoint.slots.length < most && !this.set.frozen) this.#addSlot(endpoint);
  }

  /** A connection will reach its age soon. Its successor is made first. */
  renew(slot: GrpcSlot): void {
    if (slot.aging || slot.retired !== undefined) return;
    slot.aging = true;
    // If there are several, perhaps not all are needed any more.
    if (this.#isSpare(slot)) this.#removeSlot(slot, 'max-duration');
    else if (!this.set.frozen) this.#addSlot(slot.endpoint);
    else slot.aging = false;
  }

  #isSpare(slot: GrpcSlot): boolean {
    const { slots, carried } = slot.endpoint;
    let room = 0;
    for (const other of slots)
      if (other !== slot && other.state === 'connected' && !other.aging) room += other.limit;
    return room > carried;
  }

  /** A channel has connected a slot. */
  onConnected(slot: GrpcSlot): void {
    const { endpoint } = slot;
    if (!slot.join()) return;
    endpoint.countOpened();
    slot.open(drawDuration(this.#options.settings, this.set.isVirtual), () => this.renew(slot));
    endpoint.restack();
    this.set.onConnectivity(endpoint);
    if (endpoint.isHealthy) this.#weights.onPresent(endpoint);
    this.health.review(endpoint);
    if (!endpoint.isDraining && this.set.current.get(endpoint.key) === endpoint) this.#endTakeover();
    const update = this.#own.narrow(endpoint.address);
    if (update !== undefined) this.update(update);
  }

  /** A channel no longer has a slot connected. */
  onDisconnected(slot: GrpcSlot): void {
    const { endpoint } = slot;
    if (!slot.leave()) return;
    if (slot.aging && slot.retired === undefined && endpoint.slots.length > 1) {
      this.#removeSlot(slot, 'max-duration');
    }
    slot.close();
    this.health.forgetConnection(slot);
    endpoint.restack();
    this.set.onConnectivity(endpoint);
  }

  /** A dial has failed. All channels that share the slot may report it. */
  onDialFailed(slot: GrpcSlot): void {
    const { endpoint } = slot;
    if (slot.state !== 'dialled') return;
    slot.state = 'down';
    if (endpoint.connected > 0) return;
    endpoint.setDown();
    this.#weights.onAbsent(endpoint);
    this.health.onDialFailed(endpoint);
    for (const other of this.set.current.values()) if (!other.isUnreachable) return;
    this.awaitsNews = this.#options.onUnreachable();
    const update = this.set.frozen ? undefined : this.#own.widen(this.set.current.size);
    if (update !== undefined) this.update(update);
  }

  /** The next dial begins. */
  onDialled(slot: GrpcSlot): void {
    if (slot.state === 'down') slot.state = 'dialled';
  }

  #onReasons(endpoint: GrpcEndpoint, before: number): void {
    this.#localityRouting?.review(endpoint);
    if (((endpoint.reasons ^ before) & HEALTH) === 0) return;
    if (endpoint.isEjected) this.#weights.onAbsent(endpoint);
    else if (!endpoint.isUnreachable) this.#weights.onPresent(endpoint);
  }
}
