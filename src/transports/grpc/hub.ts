import type { Settings } from '../../config/settings.ts';
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

/** Milliseconds between two looks at what runs. */
const TICK = 1_000;
/** Seconds between two calls on each connection to a virtual IP, where their number follows the rate of calls. */
const USE = 2;
/** Looks without a call after which nobody asks where the endpoints are. */
const QUIET = 30;
/** Looks after the end of a connection until others are not expected any more. */
const UNREST = 3;
/** Milliseconds by which a look may be late in a process that runs. */
const LATE = 250;
/** Calls in flight that any endpoint may have, whatever the bound of its keys. */
const LEAST_BOUND = 5;

/** A channel, as its hub knows it. */
export interface HubMember extends FleetMember {
  /** Looks anew at which endpoints there are, and why there is none. */
  refresh(): void;
  /** Has calls that wait picked for again: there may be room. */
  serveWaiting(): void;
}

export interface HubOptions {
  target: GrpcTarget;
  settings: Settings;
  resolver: Resolver;
  identity: string;
  /** Nobody has had a channel to it for a while. */
  onIdle: (hub: Hub) => void;
}

/**
 * One target, for all channels that call it: what is known of its pods, what each of them carries, and how it does. A stub
 * for each service makes many channels, and the pods are the same.
 */
export class Hub implements DiscoveryOwner, SpreadRate {
  readonly url: DiscoveryOwner['url'];
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly attempts: Attempts;
  readonly discovery: Discovery;
  /** The metadata that binds calls to endpoints, if that is the policy. */
  readonly hashHeader: string | undefined;
  readonly #options: HubOptions;
  readonly #live: LiveService;
  readonly #demand = new Demand();
  readonly #members = new Set<HubMember>();
  #timer: Timer | undefined;
  #dueAt = 0;
  #begun = 0;
  /** Connections to a virtual IP that the calls of the last second keep in use. */
  affordable = 0;
  /** Calls wait in one of its channels. */
  hasWaiting = false;
  /** Looks for which it is remembered that a server has ended a connection. */
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

  /** Calls under way. */
  get running(): number {
    return this.#demand.running;
  }

  /** Calls since the last look. */
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

  /** Nobody needs it any more. */
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

  /** With nothing known, all that it has is waiting. */
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

  /** Something happens. */
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

  /** Servers end connections at present: what is sent on one may be refused by its end, and then by that of the next one. */
  get isUnquiet(): boolean {
    return this.#unrest > 0;
  }

  /** The endpoint that the hash of a key leads to, of those that are accepted: another one where that has more than its part. */
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
    // Not in the midst of what grpc-js does at the end of a call.
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

/** A hub, as metrics are read from it. */
class HubReading implements LiveService {
  readonly url: LiveService['url'];
  readonly clock: Clock;
  readonly endpoints: LiveService['endpoints'];
  readonly discovery: Discovery;
  /** Calls that wait do so in grpc-js, uncounted. */
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
