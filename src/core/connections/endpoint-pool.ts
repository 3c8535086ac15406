import type { Socket } from 'node:net';
import type { Client } from 'undici';
import type { Settings } from '../../config/settings.ts';
import { Dialer } from '../../transports/undici/dialer.ts';
import { HashRing } from '../balancing/hash-ring.ts';
import { Locality } from '../balancing/locality.ts';
import { queueMicrotask } from '../base/clock.ts';
import { shuffled } from '../base/shuffle.ts';
import { CONNECTING, type Endpoint, type EndpointOwner } from '../endpoints/endpoint.ts';
import { type EndpointUpdate, formatAddress } from '../endpoints/endpoint-keys.ts';
import { EndpointSet } from '../endpoints/endpoint-set.ts';
import { LocalityRouting, type LocalityRoutingOwner } from '../endpoints/locality-routing.ts';
import { Pickers } from '../endpoints/pickers.ts';
import { Seats } from '../endpoints/seats.ts';
import { type Subset, subsetFor } from '../endpoints/subset.ts';
import { Weights } from '../endpoints/weights.ts';
import { Health, type HealthOwner } from '../health/health.ts';
import { Admission } from './admission.ts';
import { Balancer } from './balancer.ts';
import type { Connection } from './connection.ts';
import { ConnectionFactory } from './connection-factory.ts';
import { Departures } from './departures.ts';
import { DialPlan, type DialPlanOwner } from './dial-plan.ts';
import { Dials, type DialsOwner } from './dials.ts';
import { Preconnect } from './preconnect.ts';
import { SeeThrough, type SeeThroughOwner } from './see-through.ts';
import { type SilenceOwner, SilenceWatch } from './silence.ts';
import { WarmSet } from './warm-set.ts';
import { Warmth, type WarmthOwner } from './warmth.ts';

/** What the pool tells its service, and asks of it. */
export interface PoolOwner {
  readonly url: URL;
  readonly servername: string;
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** A connection has room that had none. */
  onRoom(): void;
  /** No endpoint can be connected to. Whether others may be known soon. */
  onUnreachable(): boolean;
  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: Endpoint, error: Error): void;
  /** A dial has ended in vain. */
  onDialFailed(error: Error): void;
  onConnectionGone(): void;
  /** No request came for a while. */
  onQuiet(): void;
  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void;
}

/** Errors in a row with which an endpoint makes room for another one. */
const APP_ERRORS = 3;

/** Times as many endpoints as are this client's that it uses while none of its own can be reached: it may be the network that is down. */
const FURTHEST = 8;

/** undici's, for an idle connection of a server that gives no hint. */
const DEFAULT_KEEP_ALIVE = 4_000;

/**
 * The endpoints of one service: which there are, which are kept connected, which may be picked, and the
 * dials to them.
 */
export class EndpointPool
  implements
    EndpointOwner,
    WarmthOwner,
    DialsOwner,
    DialPlanOwner,
    HealthOwner,
    LocalityRoutingOwner,
    SeeThroughOwner,
    SilenceOwner
{
  readonly origin: string;
  /** No endpoint can be connected to, and it is being found out whether there are others. */
  awaitsNews = false;
  /** Which endpoints there are. */
  readonly set = new EndpointSet(this);
  /** Which of them are dialled. */
  readonly plan: DialPlan;
  /** Which of them may have requests. */
  readonly admission: Admission;
  /** Which of them has the next one. */
  readonly balancer: Balancer;
  readonly dials: Dials;
  readonly health: Health;
  /** Those that can be reached, for all we know, as places for upgraded sockets and event streams. */
  readonly seats = new Seats(() => this.admission.available());
  /** Leads from keys to endpoints, if that is the policy. */
  readonly ring: HashRing<Endpoint> | undefined;
  /** How many requests stay near, if that matters. */
  readonly locality: Locality | undefined;

  readonly #owner: PoolOwner;
  readonly #settings: Settings;
  readonly #departures: Departures;
  readonly #preconnect: Preconnect;
  readonly #connections: ConnectionFactory;
  readonly #warmth: Warmth;
  readonly #weights: Weights;
  readonly #silence: SilenceWatch;
  readonly #pickers: Pickers;
  /** The pods behind a virtual IP, where responses name them. */
  readonly #seeThrough: SeeThrough;
  readonly #localityRouting: LocalityRouting | undefined;
  /** Which endpoints this client uses, if not all. */
  readonly #subset: Subset | undefined;
  /** How many times as many it uses at present: more than are its, while none of those can be reached. */
  #reach = 1;
  #update: EndpointUpdate | undefined;

  constructor(owner: PoolOwner, settings: Settings, identity: string) {
    const { client, connectTimeout, policy, slowStart, clock, random } = settings;
    const { set } = this;
    this.#owner = owner;
    this.origin = owner.url.origin;
    this.#settings = settings;
    this.#subset = subsetFor(settings.subset, identity);
    if (settings.locality !== 'off') {
      this.locality = new Locality(settings.locality, settings.kubernetes, random);
      this.#localityRouting = new LocalityRouting(this, this.locality, set);
    }
    const near = this.locality;
    const pickers = new Pickers(settings, near);
    // A key would move with each step of a weight.
    const ramps = policy === 'ring-hash' ? { ...slowStart, window: 0 } : slowStart;
    if (policy === 'ring-hash') this.ring = new HashRing();
    this.#weights = new Weights({
      slowStart: ramps,
      clock,
      onChange: (endpoint) => this.#onWeight(endpoint),
    });
    const dialer = new Dialer({ url: owner.url, servername: owner.servername, client, connectTimeout });
    const health = new Health(this, set, settings, dialer);
    const silence = new SilenceWatch(this, set, dialer, clock);
    const warm = new WarmSet(identity, near && (({ level }) => near.densityOf(level)));
    const warmth = new Warmth(this, clock, warm, client.keepAliveTimeout ?? DEFAULT_KEEP_ALIVE);
    const seeThrough = new SeeThrough(this, settings, { set, warmth });
    const dials = new Dials(this, dialer, clock, random);
    const plan = new DialPlan(this, settings, { set, dials, pickers, warmth });
    this.#preconnect = new Preconnect(settings, { plan, warmth, health, seeThrough });
    this.#connections = new ConnectionFactory(owner.url, settings);
    this.#pickers = pickers;
    this.health = health;
    this.#silence = silence;
    this.#warmth = warmth;
    this.#seeThrough = seeThrough;
    this.dials = dials;
    this.plan = plan;
    const admission = new Admission(settings, { set, pickers, dials, plan, health, silence, seeThrough });
    this.admission = admission;
    this.#departures = new Departures(clock, { set, admission, dials, health, seats: this.seats });
    this.balancer = new Balancer({ set, pickers, admission, plan, dials, warmth, silence });
  }

  /** Whether it has been said which endpoints there are, be it none. */
  get isKnown(): boolean {
    return this.#update !== undefined;
  }

  /** Whether nothing is connected any more, nor being dialled. */
  get empty(): boolean {
    return this.dials.size === 0 && this.set.isClosed;
  }

  // Requests

  /** Requests come again. */
  wake(): void {
    this.health.start();
  }

  /** Counts a request towards the rate that keeps endpoints warm. */
  count(): void {
    this.#warmth.count();
  }

  /** Whether this process did not run for a while, so that what endpoints have said may be unread. */
  isHeldUp(now: number): boolean {
    return this.#silence.isHeldUp(now);
  }

  /** Whether requests that have a key are bound to endpoints by it. */
  get bindsByKey(): boolean {
    return this.ring !== undefined && !this.#seeThrough.applies;
  }

  // The set of endpoints

  /** Takes a new set. Endpoints that stay keep their connections, counts and penalties. */
  update(update: EndpointUpdate): void {
    const { random, spread } = this.#settings;
    const { applies: sawThrough } = this.#seeThrough;
    this.#update = update;
    this.awaitsNews = false;
    const { fresh, gone, takeover } = this.set.replace(this.#mine(update), spread);
    this.#localityRouting?.locate(gone, update.here);
    const changed = fresh.length + gone.length > 0 ? this.#warmth.replace(fresh, gone) : [];
    if (takeover) gone.push(...this.set.pods.values());
    this.#departures.replaced(gone, takeover);
    const { current, isVirtual } = this.set;
    this.#weights.update(current.values(), fresh, fresh.length === current.size || isVirtual);
    this.ring?.update(fresh, gone);
    // A key goes on to where it led before until its new endpoint is connected.
    if (this.set.isConnected) for (const endpoint of fresh) endpoint.unproven = true;
    this.health.onSetChanged(update.passive ?? false);
    this.frozen = update.withdrawn ?? false;
    if (fresh.length + gone.length === 0) return;
    // In random order, so that not all clients begin with the same one.
    for (const endpoint of shuffled(fresh, random)) {
      this.place(endpoint);
      this.seats.offer(endpoint, true);
    }
    if (sawThrough === this.#seeThrough.applies) for (const endpoint of changed) this.place(endpoint);
    else this.admission.placeAll();
    this.#preconnect.connect(fresh);
  }

  /** What of an update is this client's to use. */
  #mine(update: EndpointUpdate): EndpointUpdate {
    if (this.#subset === undefined || update.virtual) return update;
    return { ...update, endpoints: this.#subset(update.endpoints, formatAddress, this.#reach) };
  }

  /** None of the endpoints that this client uses can be reached: it uses others, too, if there are any. */
  #borrow(): void {
    const update = this.#update;
    if (this.#subset === undefined || update === undefined || update.virtual) return;
    if (this.#reach >= FURTHEST || this.plan.frozen || this.set.current.size >= update.endpoints.length)
      return;
    this.#reach *= 2;
    this.update(update);
  }

  /** One of the endpoints that are this client's is back: it leaves the others to their own clients. */
  #giveBack({ address }: Endpoint): void {
    const own = this.#subset!(this.#update!.endpoints, formatAddress);
    if (!own.some((endpoint) => formatAddress(endpoint) === address)) return;
    this.#reach = 1;
    this.update(this.#update!);
  }

  /** While set, dials only what is heard of: the rest is known too long, or was withdrawn. The next update says again. */
  set frozen(frozen: boolean) {
    if (frozen === this.plan.frozen) return;
    this.plan.frozen = frozen;
    this.admission.placeAll();
  }

  /** Retires all connections; each closes when it is done. */
  close(): void {
    this.#warmth.stop();
    this.health.stop();
    this.#weights.stop();
    this.#silence.stop();
    this.dials.abandon();
    this.#seeThrough.stop();
    this.#departures.closed(this.set.clear());
  }

  /** Ends all connections with what they carry. */
  destroy(error: Error): void {
    this.close();
    for (const { connections } of [...this.set]) {
      for (const connection of connections) connection.destroy(error);
    }
  }

  onConnectivity(endpoint: Endpoint): void {
    this.set.onConnectivity(endpoint);
  }

  // Which may be picked

  place(endpoint: Endpoint): void {
    this.admission.place(endpoint);
  }

  #onWeight(endpoint: Endpoint): void {
    this.ring?.reweigh(endpoint);
    this.admission.reweigh(endpoint);
  }

  /** Says which pod a response on a connection came from, and so to which endpoint the connection belongs. */
  identify(
    connection: Connection,
    endpoint: Endpoint,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): Endpoint {
    const pod = this.#seeThrough.identify(connection, endpoint, status, headers);
    if (pod !== endpoint) {
      this.health.onSetChanged(this.#update?.passive ?? false);
      this.#offer(pod);
    }
    return pod;
  }

  explore(): boolean {
    return this.plan.explore();
  }

  onSeeThroughChanged(): void {
    this.admission.placeAll();
  }

  onSharesChanged(): void {
    for (const changed of this.#warmth.sort()) this.place(changed);
  }

  // Dials

  onDialRound(): void {
    this.#owner.onRoom();
  }

  onConnected(endpoint: Endpoint, socket: Socket): void {
    this.plan.pace.onEnded(true);
    const connection = this.#connections.create(socket, endpoint, {
      isVirtual: this.set.isVirtual,
      idleTimeout: this.#warmth.idleTimeoutOf(endpoint),
    });
    if (this.health.allows(endpoint)) this.#weights.onPresent(endpoint);
    endpoint.add(connection);
    this.health.review(endpoint);
    if (this.set.kindOf(endpoint) !== undefined) this.#offer(endpoint);
    this.#owner.onRoom();
    connection.park();
    if (this.#reach > 1) this.#giveBack(endpoint);
  }

  onUnreached(endpoint: Endpoint, error: Error): void {
    this.plan.pace.onEnded(false);
    if (endpoint.connected === 0) {
      endpoint.state = CONNECTING;
      this.#weights.onAbsent(endpoint);
    }
    this.health.onDialFailed(endpoint);
    this.#offer(endpoint);
    this.place(endpoint);
    // So that an endpoint that can't be reached costs no warm one.
    if (endpoint.warm) this.#warmth.grow();
    if (this.dials.failing === this.set.current.size && !this.set.isConnected) {
      this.awaitsNews = this.#owner.onUnreachable();
      this.#borrow();
    }
    this.#owner.onUnreached(endpoint, error);
  }

  onDialFailed(endpoint: Endpoint, error: Error): void {
    this.place(endpoint);
    this.#owner.onDialFailed(error);
  }

  onDialAbandoned(endpoint: Endpoint): void {
    this.health.review(endpoint);
    this.place(endpoint);
  }

  onBackoffOver(endpoint: Endpoint): void {
    this.#offer(endpoint);
    this.place(endpoint);
    this.#preconnect.connect([endpoint]);
    this.health.review(endpoint);
  }

  serves(endpoint: Endpoint): boolean {
    return endpoint.connected > 0 && this.admission.isAvailable(endpoint);
  }

  onDoubt(endpoint: Endpoint): void {
    this.#offer(endpoint);
    this.place(endpoint);
    if (endpoint.hasRoom) this.#owner.onRoom();
  }

  onGone(endpoint: Endpoint, error: Error): void {
    this.dials.abandon(endpoint);
    for (const connection of endpoint.connections) connection.destroy(error);
    // A pod behind a virtual IP can't be dialled, so that it has no dials to fail.
    if (this.set.current.get(endpoint.key) === endpoint) this.dials.fail(endpoint, error);
  }

  onAging(endpoint: Endpoint): void {
    this.#preconnect.renew(endpoint);
  }

  outlivesAge(endpoint: Endpoint): boolean {
    if (this.#settings.maxConnectionDuration !== undefined || this.plan.mayReplace(endpoint)) return false;
    if (endpoint.dialing === 0) this.#preconnect.replace(endpoint);
    return true;
  }

  // Health

  get url(): URL {
    return this.#owner.url;
  }

  get checkable(): Iterable<Endpoint> {
    return this.plan.frozen || this.set.isVirtual ? [] : this.set.current.values();
  }

  get population(): number {
    return this.#pods.size;
  }

  get members(): Iterable<Endpoint> {
    return this.#pods.values();
  }

  /** What health is about. */
  get #pods(): ReadonlyMap<string, Endpoint> {
    return this.#seeThrough.applies ? this.set.pods : this.set.current;
  }

  onHealthChanged(endpoint: Endpoint): void {
    if (endpoint.isEjected) this.#weights.onAbsent(endpoint);
    else if (!endpoint.isUnreachable) this.#weights.onPresent(endpoint);
    this.#offer(endpoint);
    if (this.health.allows(endpoint)) this.#departures.forgetIfClosed(endpoint);
    // So that an endpoint that is passed over costs no warm one.
    else if (endpoint.warm) this.#warmth.grow();
    this.onWarmthChanged([endpoint]);
  }

  onConnectionFailing(endpoint: Endpoint, connection: Connection): void {
    connection.retire('outlier');
    this.#preconnect.connect([endpoint]);
  }

  /** Offers an endpoint for upgraded sockets, and as one that is near, if it is one of those that serve. */
  #offer(endpoint: Endpoint): void {
    const available = this.admission.isAvailable(endpoint);
    const serves = available && this.health.isFit(endpoint) && !this.#silence.doubts(endpoint);
    this.#localityRouting?.review(endpoint, serves);
    this.seats.offer(endpoint, available);
  }

  // What is kept connected

  /** An endpoint has served a request, or serves it from now on: it is used for being near. */
  onServed(endpoint: Endpoint): void {
    this.locality?.served(endpoint);
    endpoint.unanswered = 0;
    if (endpoint.doubted) this.place(endpoint);
  }

  /** An endpoint has answered. One that has only errors to say has another one in its place, where few are kept warm. */
  onAnswer(endpoint: Endpoint, status: number): void {
    this.onServed(endpoint);
    if (status < 500) {
      endpoint.appErrors = 0;
      return;
    }
    if (++endpoint.appErrors % APP_ERRORS > 0) return;
    for (const changed of this.#warmth.rotate(endpoint)) this.place(changed);
  }

  /** Learns from a response how long idle connections to its endpoint last. */
  onKeepAlive(endpoint: Endpoint, milliseconds: number): void {
    if (milliseconds !== endpoint.keepAlive) this.#warmth.learn(endpoint, milliseconds);
  }

  get heard(): Iterable<number> {
    return this.set.keepAlives();
  }

  get demand(): number {
    return this.#owner.demand;
  }

  get failing(): number {
    return this.dials.failing + this.health.passedOver;
  }

  onWarmthChanged(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) this.place(endpoint);
    this.#preconnect.connect(endpoints);
    // In a microtask: this may be on behalf of a request that waits.
    if (endpoints.some(({ picker }) => picker === this.#pickers.free)) {
      queueMicrotask(() => this.#owner.onRoom());
    }
  }

  onTick(): void {
    this.#preconnect.reconnect();
  }

  onQuiet(): void {
    this.health.stop();
    this.#owner.onQuiet();
  }

  onConnectionRetired(endpoint: Endpoint, connection: Connection): void {
    this.health.forgetConnection(connection);
    if (connection.retired === 'max-duration' && endpoint.connected === 0) {
      for (const changed of this.#warmth.rotate(endpoint)) this.place(changed);
    }
    if (endpoint.fleeting && connection.requests > 0) this.balancer.onLost(endpoint);
    this.#owner.onConnectionGone();
  }

  onConnectionClosed(endpoint: Endpoint): void {
    this.#departures.forgetIfClosed(endpoint);
    this.#owner.onConnectionGone();
  }

  onRoom(): void {
    this.#owner.onRoom();
  }

  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    this.#owner.onClientEvent(event, client, error);
  }
}
