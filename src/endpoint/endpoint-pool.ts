import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { HashRing } from '../balancing/hash-ring.ts';
import { Locality } from '../balancing/locality.ts';
import type { Observation, Picker } from '../balancing/picker.ts';
import type { Settings } from '../config/settings.ts';
import { Connection } from '../connection/connection.ts';
import { Dialer } from '../connection/dialer.ts';
import { Dials, type DialsOwner } from '../connection/dials.ts';
import type { RetireReason } from '../connection/retire-reason.ts';
import { Health, type HealthOwner } from '../health/health.ts';
import type { Outcome } from '../request/exchange.ts';
import { shuffled } from '../shuffle.ts';
import { type SilenceOwner, SilenceWatch } from '../silence/silence.ts';
import { DialPlan, type DialPlanOwner } from './dial-plan.ts';
import { CONNECTING, type Endpoint, type EndpointOwner } from './endpoint.ts';
import { type EndpointUpdate, formatAddress } from './endpoint-keys.ts';
import { EndpointSet } from './endpoint-set.ts';
import { Pickers, place } from './pickers.ts';
import { Seats } from './seats.ts';
import { SeeThrough } from './see-through.ts';
import { type Subset, subsetFor } from './subset.ts';
import { WarmSet } from './warm-set.ts';
import { Warmth, type WarmthOwner } from './warmth.ts';
import { Weights } from './weights.ts';

/** What the pool tells its service, and asks of it. */
export interface PoolOwner {
  readonly url: URL;
  readonly servername: string;
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** A connection has room that had none. */
  onRoom(): void;
  onDialFailed(endpoint: Endpoint, error: Error): void;
  onConnectionGone(): void;
  /** No request came for a while. */
  onQuiet(): void;
  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void;
}

/** undici's, for an idle connection of a server that gives no hint. */
const DEFAULT_KEEP_ALIVE = 4_000;
/** Milliseconds after which endpoints that were replaced by others of another kind are given up. */
const TAKEOVER = 1_500;
const MAX_DURATION_VIRTUAL = 60_000;
const MAX_DURATION_VISIBLE = 300_000;
/** Different ages that connections may be given. */
const JITTER_STEPS = 256;

/**
 * The endpoints of one service: which there are, which are kept connected, which may be picked, and the
 * dials to them.
 */
export class EndpointPool
  implements EndpointOwner, WarmthOwner, DialsOwner, DialPlanOwner, HealthOwner, SilenceOwner
{
  readonly origin: string;
  /** Endpoints that can be reached, for all we know, as places for upgraded sockets and event streams. */
  readonly seats = new Seats(() => this.#offered());

  /** Which endpoints are dialled. */
  readonly plan: DialPlan;

  readonly #owner: PoolOwner;
  readonly #settings: Settings;
  readonly #dials: Dials;
  readonly #warmth: Warmth;
  readonly #weights: Weights;
  /** Leads from keys to endpoints, if that is the policy. */
  readonly ring: HashRing<Endpoint> | undefined;
  readonly #health: Health;
  readonly #silence: SilenceWatch;
  readonly #set = new EndpointSet(this);
  readonly #pickers: Pickers;
  /** The pods behind a virtual IP, where responses name them. */
  readonly #seeThrough: SeeThrough;
  /** How many requests stay near, if that matters. */
  readonly #locality: Locality | undefined;
  /** Endpoints that can't be used now. */
  readonly #unusable = new Set<Endpoint>();
  #isWeighingLocality = false;
  /** Which endpoints this client uses, if not all. */
  readonly #subset: Subset | undefined;
  /** Requests in flight that an endpoint may have. */
  readonly #maxRequests: number;
  #update: EndpointUpdate | undefined;
  /** The pods behind the virtual IP don't say who they are. */
  #nameless = false;

  constructor(owner: PoolOwner, settings: Settings, identity: string) {
    const { client, connectTimeout, policy, slowStart, clock, random } = settings;
    this.#owner = owner;
    this.origin = owner.url.origin;
    this.#settings = settings;
    this.#maxRequests = settings.maxRequestsPerEndpoint || Number.POSITIVE_INFINITY;
    this.#subset = subsetFor(settings.subset, identity);
    const { locality, kubernetes } = settings;
    if (locality !== 'off') this.#locality = new Locality(locality, kubernetes, random);
    this.#pickers = new Pickers(settings, this.#locality);
    // A key would move with each step of a weight.
    const ramps = policy === 'ring-hash' ? { ...slowStart, window: 0 } : slowStart;
    if (policy === 'ring-hash') this.ring = new HashRing();
    this.#weights = new Weights({
      slowStart: ramps,
      clock,
      onChange: (endpoint) => this.#onWeight(endpoint),
    });
    const dialer = new Dialer({ url: owner.url, servername: owner.servername, client, connectTimeout });
    this.#health = new Health(this, settings, dialer);
    this.#seeThrough = new SeeThrough(this, {
      clock,
      maxSpread: settings.maxSpread,
      affordable: () => this.#warmth.affordable,
      explore: () => this.#explore(),
    });
    const near = this.#locality;
    const warm = new WarmSet(identity, near && (({ level }) => near.densityOf(level)));
    this.#warmth = new Warmth(this, clock, warm, client.keepAliveTimeout ?? DEFAULT_KEEP_ALIVE);
    this.#dials = new Dials(this, dialer, clock, random);
    this.plan = new DialPlan(this, settings, {
      dials: this.#dials,
      pickers: this.#pickers,
      warmth: this.#warmth,
    });
    this.#silence = new SilenceWatch(this, dialer, clock);
  }

  /** Whether nothing is connected any more, nor being dialled. */
  get empty(): boolean {
    return this.#dials.size === 0 && this.#set.isClosed && this.#seeThrough.pods.size === 0;
  }

  get size(): number {
    return this.#set.current.size;
  }

  get isConnected(): boolean {
    return this.#set.isConnected || this.#seeThrough.isConnected;
  }

  get dialing(): number {
    return this.#dials.size;
  }

  /** Why the last dial failed, while that matters. */
  get lastError(): Error | undefined {
    return this.#dials.lastError;
  }

  /** Whether there are limits to what endpoints carry. */
  get isLimited(): boolean {
    return Math.min(this.#settings.connections, this.#maxRequests) < Number.POSITIVE_INFINITY;
  }

  /** Whether no request could be served now, nor any connection made: all that the limits allow are busy. */
  get isSaturated(): boolean {
    if (!this.isLimited || this.#pickers.hasRoom) return false;
    return this.#dials.size > 0 || this.isConnected;
  }

  get endpoints(): Iterable<Endpoint> {
    const { pods } = this.#seeThrough;
    return pods.size > 0 ? pods.values() : this.#set.current.values();
  }

  /** All that may have connections: slots of a virtual IP that is seen through, too, and what has left the set. */
  get all(): Iterable<Endpoint> {
    return [...this.#set, ...this.#seeThrough.pods.values()];
  }

  /** Whether it is known which pod a connection leads to. */
  get seesPods(): boolean {
    return this.#update?.virtual !== true || this.#seeThrough.pods.size > 0;
  }

  /** Whether responses tell which pod a connection leads to. */
  get seesThrough(): boolean {
    return this.#settings.identityHeader !== undefined && this.#update?.virtual === true && !this.#nameless;
  }

  /** A first response names no pod: if none ever has, there's nothing to see. */
  noticeNameless(): void {
    if (this.#nameless || this.#seeThrough.pods.size > 0) return;
    this.#nameless = true;
    this.#placeAll();
  }

  /** The first response on a connection has named its pod: says to which endpoint it belongs now. */
  identify(connection: Connection, endpoint: Endpoint, name: string): Endpoint {
    if (endpoint.identity !== undefined || connection.retired !== undefined) return endpoint;
    const pod = this.#seeThrough.identify(connection, endpoint, name);
    if (pod !== endpoint) {
      this.#health.onSetChanged(this.#update?.passive ?? false);
      this.#offer(pod);
      if (this.#settings.maxConnectionDuration === undefined) connection.keep();
      this.#seeThrough.start();
    }
    return pod;
  }

  #explore(): boolean {
    if (!this.#warmth.active) {
      this.#seeThrough.stop();
      return true;
    }
    const slot = this.#pickers.unproven.pick();
    if (this.#dials.size > 0 || slot === undefined) return false;
    this.plan.dial(slot);
    return true;
  }

  // Requests

  /** Requests come again. */
  wake(): void {
    this.#health.start();
  }

  /** Counts a request towards the rate that keeps endpoints warm. */
  count(): void {
    this.#warmth.count();
  }

  /** The endpoint to serve a request, with a connection ready for it; none if it has to wait. */
  pick(now: number): Endpoint | undefined {
    const { free } = this.#pickers;
    for (let best = free.pick(); best !== undefined; best = free.pick()) {
      if (best.isReady(now)) return best;
    }
    return undefined;
  }

  /**
   * The same for a request that has failed at some endpoints: another one while there is one; 'soon' if
   * that takes a dial; none if all have failed since the moment `since`.
   */
  pickOther(failed: readonly Endpoint[], now: number, since: number): Endpoint | 'soon' | undefined {
    for (const endpoint of failed) place(endpoint, undefined);
    const other = this.pick(now) ?? (this.#connectsOther(failed) ? 'soon' : undefined);
    for (const endpoint of failed) this.place(endpoint);
    return other ?? this.pick(now) ?? (this.plan.dialFor(1, since) ? 'soon' : undefined);
  }

  /** Whether another endpoint will have a connection free: it is dialled now, if none is on the way. */
  #connectsOther(failed: readonly Endpoint[]): boolean {
    const toFailed = failed.reduce((sum, { dialing }) => sum + dialing, 0);
    if (this.#dials.size > toFailed) return true;
    return this.plan.dialNext() || this.#isOtherBusy(failed);
  }

  /** Whether another endpoint is as busy as the limits allow. */
  #isOtherBusy(failed: readonly Endpoint[]): boolean {
    if (!this.isLimited) return false;
    for (const endpoint of this.#set.connected) {
      if (endpoint.picker === undefined && !failed.includes(endpoint)) return true;
    }
    return false;
  }

  /** Gives a request to an endpoint just picked. */
  begin(endpoint: Endpoint): Connection {
    const rival = this.#pickers.rivalOf(endpoint);
    if (rival !== undefined) this.plan.dial(rival);
    this.#warmth.consider(endpoint.load);
    this.#pickers.free.used(endpoint);
    this.#silence.start();
    return endpoint.begin();
  }

  /** Whether requests that have a key are bound to endpoints by it. */
  get bindsByKey(): boolean {
    return this.ring !== undefined && !this.seesThrough;
  }

  /** Gives a request to the endpoint that its key leads to, which is ready. */
  beginBound(endpoint: Endpoint): Connection {
    this.#pickers.free.used(endpoint);
    return endpoint.begin();
  }

  /** Whether a request that is bound to an endpoint may wait for it. */
  isUsable(endpoint: Endpoint): boolean {
    const { state, connected, backoff } = endpoint;
    if (state.name === 'draining' || !this.#health.allows(endpoint)) return false;
    return connected > 0 || (backoff === undefined && !this.plan.frozen);
  }

  /** What all endpoints weigh that may serve. */
  get usableWeight(): number {
    const { size, failing } = this;
    return ((this.ring?.weight ?? size) * Math.max(size - failing, 1)) / Math.max(size, 1);
  }

  /** Whether to be told how requests go. */
  get observes(): boolean {
    return this.#pickers.observes;
  }

  /** Learns how a request to an endpoint has gone, `latency` milliseconds after it was sent. */
  observe(endpoint: Endpoint, latency: number, observation: Observation): void {
    this.#pickers.observe(endpoint, latency, observation);
  }

  /** A moment in the order of waiting requests and failed dials. */
  moment(): number {
    return this.#dials.moment();
  }

  /** Whether a request that waits for that very endpoint comes to a connection. */
  isOpen(endpoint: Endpoint): boolean {
    if (endpoint.inFlight >= this.#maxRequests) return false;
    if (endpoint.hasRoom || endpoint.opening !== undefined || this.plan.mayDial(endpoint)) return true;
    // With HTTP/2, one dial makes room for many.
    return endpoint.dialing > 0 && this.plan.protocolOf(endpoint) === 'h2';
  }

  // The set of endpoints

  /** Takes a new set. Endpoints that stay keep their connections, counts and penalties. */
  update(update: EndpointUpdate): void {
    const { random, spread } = this.#settings;
    // What leads to a Service by another way, its ClusterIP or its pods, is as good until that is connected.
    const takeover = this.size > 0 && update.virtual !== this.#update?.virtual;
    const { seesThrough } = this;
    this.#update = update;
    const { fresh, gone } = this.#set.replace(this.#mine(update), spread);
    this.#locate(update, gone);
    const changed = fresh.length + gone.length > 0 ? this.#warmth.replace(fresh, gone) : [];
    if (takeover) gone.push(...this.#seeThrough.pods.values());
    for (const endpoint of gone) {
      this.seats.offer(endpoint, false);
      this.#health.forget(endpoint);
      if (takeover && endpoint.connected > 0) this.#supersede(endpoint);
      else this.#drain(endpoint, 'endpoint-removed');
    }
    const allFresh = fresh.length === this.size || update.virtual === true;
    this.#weights.update(this.#set.current.values(), fresh, allFresh);
    this.ring?.update(fresh, gone);
    this.#health.onSetChanged(update.passive ?? false);
    this.frozen = update.withdrawn ?? false;
    if (fresh.length + gone.length === 0) return;
    // In random order, so that not all clients begin with the same one.
    for (const endpoint of shuffled(fresh, random)) {
      this.place(endpoint);
      this.seats.offer(endpoint, true);
    }
    if (seesThrough === this.seesThrough) for (const endpoint of changed) this.place(endpoint);
    else this.#placeAll();
    this.plan.connect(fresh);
  }

  /** Says of each endpoint how near it is. */
  #locate({ here }: EndpointUpdate, gone: readonly Endpoint[]): void {
    const locality = this.#locality;
    if (locality === undefined) return;
    const endpoints = [...this.#set.current.values()];
    locality.update(
      endpoints.map(({ info }) => info),
      here,
    );
    for (const endpoint of gone) this.#unusable.delete(endpoint);
    for (const endpoint of endpoints) {
      const level = locality.levelOf(endpoint.info);
      if (level === endpoint.level) continue;
      place(endpoint, undefined);
      endpoint.level = level;
      this.place(endpoint);
    }
    this.#weighLocality();
  }

  /** Says anew how many requests stay near. */
  #weighLocality(): void {
    this.#locality!.weigh(
      [...this.#set.current.values()].filter((endpoint) => !this.#unusable.has(endpoint)),
    );
    for (const changed of this.#warmth.sort()) this.place(changed);
  }

  /** Whether an endpoint can be used may have changed. What many of them change together is weighed once. */
  #reviewLocality(endpoint: Endpoint): void {
    const usable = this.#mayOffer(endpoint);
    if (this.#locality === undefined || usable === !this.#unusable.has(endpoint)) return;
    if (usable) this.#unusable.delete(endpoint);
    else if (this.kindOf(endpoint) !== undefined) this.#unusable.add(endpoint);
    if (this.#isWeighingLocality) return;
    this.#isWeighingLocality = true;
    queueMicrotask(() => {
      this.#isWeighingLocality = false;
      this.#weighLocality();
    });
  }

  /** The share of requests that went to another zone, where that matters. */
  get crossZone(): number | undefined {
    if (this.#locality === undefined) return undefined;
    const { requests, crossZone } = this.#locality;
    return requests === 0 ? 0 : crossZone / requests;
  }

  /** What of an update is this client's to use. */
  #mine(update: EndpointUpdate): EndpointUpdate {
    if (this.#subset === undefined || update.virtual) return update;
    return { ...update, endpoints: this.#subset(update.endpoints, formatAddress) };
  }

  #drain(endpoint: Endpoint, reason: RetireReason): void {
    this.#set.drain(endpoint, reason);
    this.#dials.abandon(endpoint);
    this.#forgetIfClosed(endpoint);
  }

  #supersede(endpoint: Endpoint): void {
    const { superseded } = this.#set;
    endpoint.warm = false;
    superseded.add(endpoint);
    this.#dials.abandon(endpoint);
    this.place(endpoint);
    if (superseded.size > 1) return;
    this.#settings.clock.schedule(() => {
      for (const old of superseded) this.#drain(old, 'endpoint-removed');
    }, TAKEOVER);
  }

  /** Dials nothing while set: what is known is too old, or was withdrawn. The next update says again. */
  set frozen(frozen: boolean) {
    if (frozen === this.plan.frozen) return;
    this.plan.frozen = frozen;
    this.#placeAll();
  }

  /** Retires all connections; each closes when it is done. */
  close(): void {
    this.#warmth.stop();
    this.#health.stop();
    this.#weights.stop();
    this.#silence.stop();
    this.#dials.abandon();
    const { current, superseded } = this.#set;
    const all = [...current.values(), ...superseded, ...this.#seeThrough.pods.values()];
    this.#seeThrough.stop();
    this.#set.clear();
    for (const endpoint of all) {
      this.#health.forget(endpoint);
      this.#drain(endpoint, 'service-closed');
    }
  }

  /** Ends all connections with what they carry. */
  destroy(error: Error): void {
    this.close();
    for (const { connections } of [...this.#set, ...this.#seeThrough.pods.values()]) {
      for (const connection of connections) connection.destroy(error);
    }
  }

  onConnectivity(endpoint: Endpoint): void {
    this.#set.onConnectivity(endpoint);
  }

  // Which may be picked

  place(endpoint: Endpoint): void {
    place(endpoint, this.#pickerFor(endpoint));
  }

  #pickerFor(endpoint: Endpoint): Picker<Endpoint> | undefined {
    const { free, full, unproven } = this.#pickers;
    const { state, inFlight, dialing } = endpoint;
    if (state.name === 'draining' || inFlight >= this.#maxRequests) return undefined;
    if (!this.#health.allows(endpoint)) return undefined;
    if (this.#silence.doubts(endpoint)) return undefined;
    if (endpoint.hasRoom && (endpoint.warm || this.#set.superseded.has(endpoint))) return free;
    if (!endpoint.warm || endpoint.backoff !== undefined || !this.plan.mayDial(endpoint)) return undefined;
    if (inFlight + dialing >= this.#maxRequests) return undefined;
    return state.name === 'connecting' || this.seesThrough ? unproven : full;
  }

  #placeAll(): void {
    for (const endpoint of this.#set) this.place(endpoint);
  }

  #onWeight(endpoint: Endpoint): void {
    this.ring?.reweigh(endpoint);
    if (this.#pickers.weighted) {
      this.place(endpoint);
      return;
    }
    const all = [...this.#set, ...this.#seeThrough.pods.values()];
    this.#pickers.weigh(all);
    for (const each of all) this.place(each);
  }

  // Dials

  isFit(endpoint: Endpoint): boolean {
    return this.#health.allows(endpoint);
  }

  onConnected(endpoint: Endpoint, socket: Socket): void {
    const { clock, client, connectTimeout, maxRequestsPerConnection, drainTimeout } = this.#settings;
    const connection = new Connection(socket, endpoint, {
      url: this.#owner.url,
      client,
      clock,
      maxDuration: this.#drawMaxDuration(),
      maxRequests: maxRequestsPerConnection,
      drainTimeout,
      idleTimeout: this.#warmth.keepAlive,
      helloTimeout: connectTimeout,
    });
    if (this.#health.allows(endpoint)) this.#weights.onPresent(endpoint);
    endpoint.add(connection);
    this.#health.review(endpoint);
    if (this.kindOf(endpoint) !== undefined) this.#offer(endpoint);
    this.#owner.onRoom();
    connection.park();
  }

  #drawMaxDuration(): number {
    const { maxConnectionDuration, connectionDurationJitter, random } = this.#settings;
    const usual = this.#update?.virtual ? MAX_DURATION_VIRTUAL : MAX_DURATION_VISIBLE;
    // In steps: Node keeps something for each delay that a timer ever had, for as long as that is.
    const step = Math.ceil(random() * JITTER_STEPS) / JITTER_STEPS;
    return (maxConnectionDuration ?? usual) * (1 - connectionDurationJitter * step);
  }

  onDialFailed(endpoint: Endpoint, error: Error): void {
    if (endpoint.connected === 0) {
      endpoint.state = CONNECTING;
      this.#weights.onAbsent(endpoint);
    }
    this.#health.onDialFailed(endpoint);
    this.seats.offer(endpoint, false);
    this.#reviewLocality(endpoint);
    this.place(endpoint);
    // So that an endpoint that can't be reached costs no warm one.
    if (endpoint.warm) this.#warmth.grow();
    if (this.#dials.failing === this.size && !this.isConnected) this.#update?.onUnreachable?.();
    this.#owner.onDialFailed(endpoint, error);
  }

  onDialAbandoned(endpoint: Endpoint): void {
    this.#health.review(endpoint);
    this.place(endpoint);
  }

  onBackoffOver(endpoint: Endpoint): void {
    this.#offer(endpoint);
    this.place(endpoint);
    this.plan.connect([endpoint]);
    this.#health.review(endpoint);
  }

  get carriers(): Iterable<Endpoint> {
    return this.#seeThrough.pods.size > 0 ? [...this.#set, ...this.#seeThrough.pods.values()] : this.#set;
  }

  onDoubt(endpoint: Endpoint): void {
    this.place(endpoint);
    if (endpoint.hasRoom) this.#owner.onRoom();
  }

  onGone(endpoint: Endpoint, error: Error): void {
    this.#dials.abandon(endpoint);
    for (const connection of endpoint.connections) connection.destroy(error);
    if (this.#set.current.get(endpoint.key) === endpoint) this.#dials.fail(endpoint, error);
  }

  /** A busy connection nears its end: makes its successor, or one to the endpoint whose turn comes then. */
  onAging(endpoint: Endpoint): void {
    if (this.#settings.makeBeforeBreak === false) return;
    if (!this.#health.allows(endpoint)) return;
    if (endpoint.identity !== undefined) {
      this.#explore();
      return;
    }
    if (endpoint.connected === 1 && this.#warmth.prepareRotation()) return;
    if (endpoint.warm && endpoint.backoff === undefined && this.plan.mayDial(endpoint))
      this.plan.dial(endpoint);
  }

  // Health

  /** A request to an endpoint has ended. */
  judge(endpoint: Endpoint, connection: Connection, outcome: Outcome, status: number): void {
    this.#health.judge(endpoint, connection, outcome, status);
  }

  onOverloaded(endpoint: Endpoint, headers: Record<string, string | string[] | undefined>): void {
    this.#health.onOverloaded(endpoint, headers);
  }

  get url(): URL {
    return this.#owner.url;
  }

  get checkable(): Iterable<Endpoint> {
    return this.plan.frozen || this.#update?.virtual ? [] : this.#set.current.values();
  }

  get population(): number {
    return this.seesThrough ? this.#seeThrough.pods.size : this.size;
  }

  kindOf(endpoint: Endpoint): 'pod' | 'slot' | undefined {
    const { identity, key } = endpoint;
    if (identity !== undefined) return this.#seeThrough.pods.get(identity) === endpoint ? 'pod' : undefined;
    if (this.#set.current.get(key) !== endpoint) return undefined;
    return this.#update?.virtual ? 'slot' : 'pod';
  }

  onHealthChanged(endpoint: Endpoint): void {
    if (endpoint.isEjected) this.#weights.onAbsent(endpoint);
    else this.#weights.onPresent(endpoint);
    this.#offer(endpoint);
    if (this.#health.allows(endpoint)) this.#forgetIfClosed(endpoint);
    // So that an endpoint that is passed over costs no warm one.
    else if (endpoint.warm) this.#warmth.grow();
    this.onWarmthChanged([endpoint]);
  }

  onConnectionFailing(endpoint: Endpoint, connection: Connection): void {
    connection.retire('outlier');
    this.plan.connect([endpoint]);
  }

  /** The endpoints that may be offered for upgraded sockets. */
  *#offered(): Generator<Endpoint> {
    for (const endpoints of [this.#set.current, this.#seeThrough.pods]) {
      for (const endpoint of endpoints.values()) if (this.#mayOffer(endpoint)) yield endpoint;
    }
  }

  #mayOffer(endpoint: Endpoint): boolean {
    return endpoint.backoff === undefined && this.#health.allows(endpoint);
  }

  /** Offers an endpoint for upgraded sockets, if it is one of those that serve. */
  #offer(endpoint: Endpoint): void {
    this.#reviewLocality(endpoint);
    this.seats.offer(endpoint, this.#mayOffer(endpoint));
  }

  /** Forgets a pod behind a virtual IP without connections. One that is passed over is remembered. */
  #forgetIfClosed(endpoint: Endpoint): void {
    if (endpoint.state.name !== 'draining' && !this.#health.allows(endpoint)) return;
    if (!this.#seeThrough.forgetIfClosed(endpoint)) return;
    this.#health.forget(endpoint);
    this.seats.offer(endpoint, false);
  }

  // What is kept connected

  /** Learns from a response how long idle connections last. */
  set keepAlive(milliseconds: number) {
    this.#warmth.keepAlive = milliseconds;
  }

  get demand(): number {
    return this.#owner.demand;
  }

  get failing(): number {
    return this.#dials.failing + this.#health.passedOver;
  }

  onWarmthChanged(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) this.place(endpoint);
    this.plan.connect(endpoints);
    // In a microtask: this may be on behalf of a request that waits.
    if (endpoints.some(({ picker }) => picker === this.#pickers.free)) {
      queueMicrotask(() => this.#owner.onRoom());
    }
  }

  /** Connects again what is warm and has lost its last connection. */
  onTick(): void {
    const lost: Endpoint[] = [];
    for (const endpoint of this.#warmth.warm) if (this.plan.isUnconnected(endpoint)) lost.push(endpoint);
    this.plan.connect(lost);
  }

  onQuiet(): void {
    this.#health.stop();
    this.#owner.onQuiet();
  }

  onConnectionGone(endpoint: Endpoint, connection: Connection): void {
    this.#set.forgetIfClosed(endpoint);
    this.#forgetIfClosed(endpoint);
    this.#health.forgetConnection(connection);
    if (connection.retired === 'max-duration' && endpoint.connected === 0) {
      for (const changed of this.#warmth.rotate(endpoint)) this.place(changed);
    }
    this.#owner.onConnectionGone();
  }

  onRoom(): void {
    this.#owner.onRoom();
  }

  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    this.#owner.onClientEvent(event, client, error);
  }
}
