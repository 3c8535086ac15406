import type { Settings } from '../../config/settings.ts';
import { LEAST_BOUND } from '../../core/balancing/hash-ring.ts';
import { type Clock, queueMicrotask, type Timer } from '../../core/base/clock.ts';
import { Demand } from '../../core/base/demand.ts';
import type { SpreadRate } from '../../core/connections/spread.ts';
import { Discovery, type DiscoveryOwner } from '../../core/discovery/discovery.ts';
import type { EndpointUpdate, Resolver } from '../../core/discovery/resolver.ts';
import { type LiveService, liveServices } from '../../core/service.ts';
import { Attempts } from './attempts.ts';
import { Fleet, type FleetMember } from './fleet.ts';
import type { GrpcEndpoint, GrpcSlot } from './grpc-endpoint.ts';
import { isMetadataKey } from './metadata-key.ts';
import type { GrpcTarget } from './target.ts';

/** Milliseconds from one look at the running calls to the next. */
const TICK = 1_000;
/** Each connection to a virtual IP should get a call in so many seconds. This decides how many there are. */
const USE = 2;
/** After so many looks without a call, discovery is no longer asked. */
const QUIET = 30;
/** For so many looks after the end of a connection, other ends are expected. */
const UNREST = 3;
/** By how many milliseconds a look may be late if the process runs. */
const LATE = 250;

/** A channel, as its hub sees it. */
export interface HubMember extends FleetMember {
  /** Looks again which endpoints there are, or why there are none. */
  refresh(): void;
  /** Picks again for waiting calls, because there may be room. */
  serveWaiting(): void;
}

export interface HubOptions {
  target: GrpcTarget;
  settings: Settings;
  resolver: Resolver;
  identity: string;
  /** No channel has used it for a while. */
  onIdle: (hub: Hub) => void;
}

/**
 * One target, for all channels that call it: what is known about its pods, what each one carries, and how well it does.
 * An app makes a channel for each stub, but the pods are the same.
 */
export class Hub implements DiscoveryOwner, SpreadRate {
  readonly url: DiscoveryOwner['url'];
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly attempts: Attempts;
  readonly discovery: Discovery;
  /** The metadata whose value is the key, with the policy `ring-hash`. */
  readonly hashHeader: string | undefined;
  readonly #options: HubOptions;
  readonly #live: LiveService;
  readonly #demand = new Demand();
  readonly #members = new Set<HubMember>();
  #timer: Timer | undefined;
  #dueAt = 0;
  #begun = 0;
  /** How many connections to a virtual IP the calls of the last second keep in use. */
  affordable = 0;
  /** Whether calls wait in one of its channels. */
  hasWaiting = false;
  /** For how many more looks other connections may end, because a server has ended one. */
  #unrest = 0;
  #quiet = 0;
  #idle: Timer | undefined;
  #tellsRoom = false;

  constructor(options: HubOptions) {
    const { target, settings, resolver, identity } = options;
    const { clock, random } = settings;
    const { origin, hostname, port } = target;
    this.#options = options;
    this.url = { origin, hostname, port: `${port}`, protocol: 'http:' };
    this.clock = clock;
    const { header } = settings.ringHash;
    this.hashHeader = header !== undefined && isMetadataKey(header) ? header : undefined;
    this.fleet = new Fleet({
      settings,
      origin,
      identity,
      demand: this.#demand,
      rate: this,
      onUnreachable: () => this.discovery.onUnreachable(),
    });
    this.attempts = new Attempts({
      pickers: this.fleet.pickers,
      health: this.fleet.health,
      demand: this.#demand,
      clock,
      isHeldUp: (now) => this.#timer !== undefined && now > this.#dueAt + LATE,
      onEnded: (slot, fails) => this.#onEnded(slot, fails),
    });
    this.discovery = new Discovery(this, { resolver, clock, random });
    this.#live = new HubReading(this);
    liveServices.add(this.#live);
  }

  get origin(): string {
    return this.#options.target.origin;
  }

  /** How many calls are under way. */
  get running(): number {
    return this.#demand.running;
  }

  /** How many calls have come since the last look. */
  get latest(): number {
    return this.attempts.begun - this.#begun;
  }

  /** Why no endpoint is known. */
  get error(): Error | undefined {
    return this.discovery.isKnown ? undefined : (this.discovery.error ?? undefined);
  }

  // Its channels

  join(member: HubMember): void {
    this.#idle?.cancel();
    this.#members.add(member);
    this.fleet.members.add(member);
    this.#quiet = 0;
    if (this.#timer === undefined) this.#tickLater();
    this.discovery.demand();
  }

  leave(member: HubMember): void {
    this.#members.delete(member);
    this.fleet.members.delete(member);
    if (this.#members.size > 0) return;
    const { originIdleTimeout } = this.#options.settings;
    this.#idle = this.clock.schedule(() => this.#options.onIdle(this), originIdleTimeout);
  }

  /** No channel needs it any more. */
  close(): void {
    this.discovery.stop();
    this.#idle?.cancel();
    this.#timer?.cancel();
    this.fleet.close();
    this.attempts.stop();
    liveServices.delete(this.#live);
  }

  // Discovery

  get inUse(): boolean {
    return this.#members.size > 0 && this.#quiet < QUIET;
  }

  /** If nothing is known, all calls that it has are waiting. */
  get waiting(): number {
    return this.#members.size;
  }

  onUpdate(update: EndpointUpdate): void {
    this.fleet.update(update);
    for (const member of this.#members) member.refresh();
  }

  onError(): void {
    this.fleet.awaitsNews = false;
    for (const member of this.#members) member.refresh();
  }

  // Calls

  /** A call begins or ends. */
  onCall(): void {
    if (this.#timer === undefined) this.#tickLater();
    if (this.#quiet < QUIET) return;
    this.#quiet = 0;
    this.discovery.demand();
  }

  /** A server has ended a connection that carried calls. */
  onGoAway(): void {
    this.#unrest = UNREST;
  }

  /**
   * Whether servers end connections at present. Then a call may be refused by the end of one connection, and again by
   * the end of the next.
   */
  get isUnquiet(): boolean {
    return this.#unrest > 0;
  }

  /**
   * The endpoint for the hash of a key, of those that are accepted. If that endpoint has more than its part, another
   * one.
   */
  boundTo(hash: number, accepts: (endpoint: GrpcEndpoint) => boolean): GrpcEndpoint | undefined {
    const { ring } = this.fleet;
    const { balanceFactor } = this.#options.settings.ringHash;
    const isUsable = (endpoint: GrpcEndpoint) => endpoint.isHealthy && accepts(endpoint);
    if (ring === undefined || balanceFactor === 0) return ring?.pick(hash, isUsable);
    const limit = (balanceFactor * (this.#demand.running + 1)) / ring.weight;
    const isBelow = (endpoint: GrpcEndpoint) =>
      endpoint.inFlight < Math.max(LEAST_BOUND, Math.ceil(limit * endpoint.weight)) && isUsable(endpoint);
    return ring.pick(hash, isBelow) ?? ring.pick(hash, isUsable);
  }

  #onEnded(slot: GrpcSlot, fails: boolean): void {
    if (fails) this.fleet.renew(slot);
    if (slot.endpoint.isDraining) this.fleet.forgetIfDone(slot.endpoint);
    if (!this.hasWaiting || slot.limit === Number.POSITIVE_INFINITY || this.#tellsRoom) return;
    this.#tellsRoom = true;
    // In a microtask, because grpc-js is in the middle of ending a call.
    queueMicrotask(() => {
      this.#tellsRoom = false;
      this.#serveWaiting();
    });
  }

  #serveWaiting(): void {
    this.hasWaiting = false;
    for (const member of this.#members) member.serveWaiting();
  }

  #tickLater(): void {
    this.#dueAt = this.clock.now() + TICK;
    this.#timer = this.clock.schedule(() => this.#tick(), TICK);
  }

  #tick(): void {
    const { spread } = this.fleet;
    this.#timer = undefined;
    if (this.#unrest > 0) this.#unrest--;
    this.attempts.sweep(this.clock.now());
    this.affordable = this.latest * USE;
    this.#quiet = this.latest === 0 ? this.#quiet + 1 : 0;
    if (this.#demand.running > 0 || this.inUse) {
      this.#tickLater();
      spread.follow();
    } else {
      spread.rest();
    }
    this.#begun = this.attempts.begun;
  }
}

/** A hub, as the metrics read it. */
class HubReading implements LiveService {
  readonly url: LiveService['url'];
  readonly clock: Clock;
  readonly endpoints: LiveService['endpoints'];
  readonly discovery: Discovery;
  /** Calls that wait do so inside grpc-js, which doesn't count them. */
  readonly waiting = 0;
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.url = hub.url;
    this.clock = hub.clock;
    this.endpoints = hub.fleet.set;
    this.discovery = hub.discovery;
    this.#hub = hub;
  }

  get running(): number {
    return this.#hub.running;
  }

  get requests(): number {
    return this.#hub.attempts.begun;
  }

  get failures(): number {
    return this.#hub.attempts.failures;
  }
}

export function isHub(value: unknown): value is Hub {
  return value instanceof Hub;
}
