import type { HashRing } from '../balancing/hash-ring.ts';
import type { Locality } from '../balancing/locality.ts';
import type { EndpointUpdate } from '../discovery/resolver.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { HEALTH, IN_DOUBT } from '../endpoints/reasons.ts';
import type { Seats } from '../endpoints/seats.ts';
import type { Health } from '../health/health.ts';
import type { Balancer } from './balancer.ts';
import type { Capacity } from './capacity.ts';
import type { Connection, Pod } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { DialPlan } from './dial-plan.ts';
import type { Dials } from './dials.ts';
import { type PoolOptions, type PoolParts, partsOf } from './parts.ts';
import type { Reach } from './reach.ts';
import type { Upkeep } from './upkeep.ts';
import type { Wire } from './wire.ts';

/**
 * The endpoints of one service, and the connections to them. Joins the parts, each of which does one thing, and acts on
 * what happens to connections and on reasons that change.
 */
export class Pool implements ConnectionEvents<Connection> {
  /** No endpoint can be connected, and discovery may still bring others. */
  awaitsNews = false;
  /** Which endpoints there are. */
  readonly set: EndpointSet<Pod>;
  /** Which picker each endpoint is in. */
  readonly board: PickerBoard<Pod>;
  /** Which endpoints are dialled. */
  readonly plan: DialPlan;
  readonly dials: Dials;
  readonly reach: Reach;
  /** What the limits allow. */
  readonly capacity: Capacity;
  /** Which endpoint gets the next request. */
  readonly balancer: Balancer;
  readonly health: Health<Pod>;
  /** Which endpoints stay connected. */
  readonly upkeep: Upkeep;
  /** The endpoints that are probably reachable, as places for upgraded sockets and event streams. */
  readonly seats: Seats<Pod>;
  /** Leads from keys to endpoints, with the policy `ring-hash`. */
  readonly ring: HashRing<Pod> | undefined;
  /** How many requests stay in the own zone, with the option `locality`. */
  readonly locality: Locality | undefined;

  readonly #options: PoolOptions;
  readonly #parts: PoolParts;

  constructor(options: PoolOptions) {
    const parts = partsOf(options, this);
    this.#options = options;
    this.#parts = parts;
    this.set = parts.set;
    this.board = parts.board;
    this.plan = parts.plan;
    this.dials = parts.dials;
    this.reach = parts.reach;
    this.capacity = parts.capacity;
    this.balancer = parts.balancer;
    this.health = parts.health;
    this.upkeep = parts.upkeep;
    this.seats = parts.seats;
    this.ring = parts.ring;
    this.locality = parts.locality;
    this.board.watch((endpoint, before) => this.#onReasons(endpoint, before));
  }

  /** Whether discovery has said which endpoints there are, even if there are none. */
  get isKnown(): boolean {
    return this.#parts.membership.isKnown;
  }

  /** Whether there is no connection and no dial any more. */
  get isEmpty(): boolean {
    if (this.dials.size > 0) return false;
    for (const { connections } of this.set) if (connections.size > 0) return false;
    return true;
  }

  /** Whether the key of a request decides which endpoint gets it. */
  get bindsByKey(): boolean {
    return this.ring !== undefined && !this.set.namesPods;
  }

  /** Whether this process stood still for a while, so that it may not have read yet what endpoints sent. */
  isHeldUp(now: number): boolean {
    return this.#parts.liveness.isHeldUp(now);
  }

  // A new set of endpoints

  /** Takes a new set. */
  update(update: EndpointUpdate): void {
    this.awaitsNews = false;
    this.#parts.membership.update(update);
  }

  /** Takes the last set again: this client now uses more or fewer of its endpoints. */
  #reuse(update: EndpointUpdate | undefined): void {
    if (update !== undefined) this.update(update);
  }

  /** Retires all connections. Each closes when it carries nothing. */
  close(): void {
    this.upkeep.stop();
    this.health.stop();
    this.#parts.liveness.stop();
    this.dials.abandon();
    this.#parts.podIdentity.stop();
    this.#parts.departures.closed(this.set.clear());
    this.#parts.weights.stop();
  }

  /** Ends all connections, and what they carry. */
  destroy(error: Error): void {
    this.close();
    for (const { connections } of [...this.set]) {
      for (const connection of connections) connection.destroy(error);
    }
  }

  // What requests show

  /** Learns from a response which pod its connection leads to. Returns the endpoint that the connection belongs to now. */
  identify(
    connection: Connection,
    endpoint: Pod,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): Pod {
    const pod = this.#parts.podIdentity.identify(connection, endpoint, status, headers);
    if (pod !== endpoint) {
      this.#onConnectivity(endpoint);
      this.#onConnectivity(pod);
      this.health.onSetChanged();
      this.#offer(pod);
    }
    return pod;
  }

  /** An endpoint has served a request. From now on, `locality` may prefer it. */
  onServed(endpoint: Pod): void {
    this.locality?.served(endpoint);
    endpoint.onServed();
  }

  /** Replaces a connection that fails by another one. */
  replaceFailing(endpoint: Pod, connection: Connection): void {
    connection.retire('outlier');
    this.#parts.preconnect.connect([endpoint]);
  }

  // What connections and dials report

  onConnected(endpoint: Pod, wire: Wire): void {
    this.plan.pace.onEnded(true);
    this.locality?.connected(endpoint);
    const connection = this.#parts.factory.create(wire, endpoint, {
      isVirtual: this.set.isVirtual,
      idleTimeout: this.#parts.warmth.idleTimeoutOf(endpoint),
    });
    if (endpoint.isHealthy) this.#parts.weights.onPresent(endpoint);
    endpoint.add(connection);
    // A listener for the new connection may have closed the service.
    if (endpoint.isDraining) connection.retire('service-closed');
    this.#onConnectivity(endpoint);
    this.health.review(endpoint);
    if (this.set.kindOf(endpoint) !== undefined) this.#offer(endpoint);
    this.board.wake();
    connection.park();
    this.#reuse(this.#parts.membership.narrow(endpoint));
  }

  onUnreached(endpoint: Pod, error: Error): void {
    this.plan.pace.onEnded(false);
    endpoint.onUnreached();
    if (endpoint.connected === 0) this.#parts.weights.onAbsent(endpoint);
    this.health.onDialFailed(endpoint);
    endpoint.update();
    // An endpoint that can't be reached doesn't take the place of a warm one.
    if (endpoint.warm) this.#parts.preconnect.grow();
    if (this.dials.failing === this.set.current.size && !this.set.isConnected) {
      this.awaitsNews = this.#options.discovery.onUnreachable();
      this.#reuse(this.#parts.membership.widen());
    }
    this.board.onUnreached(endpoint, error);
  }

  onDialFailed(endpoint: Pod, error: Error): void {
    endpoint.update();
    this.#options.onDialFailed(error);
    this.board.stir();
  }

  onDialAbandoned(endpoint: Pod): void {
    this.health.review(endpoint);
    endpoint.update();
  }

  onBackoffOver(endpoint: Pod): void {
    this.#parts.preconnect.connect([endpoint]);
    this.health.review(endpoint);
  }

  onAging(endpoint: Pod): void {
    this.#parts.preconnect.renew(endpoint);
  }

  outlivesAge(endpoint: Pod): boolean {
    const { maxConnectionDuration } = this.#options.settings;
    if (maxConnectionDuration !== undefined) return false;
    if (endpoint.identity !== undefined) return this.#parts.podIdentity.outlivesAge(endpoint);
    if (this.reach.mayReplace(endpoint)) return false;
    if (endpoint.dialing === 0) this.#parts.preconnect.replace(endpoint);
    return true;
  }

  mayReplace(endpoint: Pod): boolean {
    return this.reach.mayReplace(endpoint);
  }

  onRetired(connection: Connection): void {
    const { endpoint, retired, requests } = connection;
    this.#onConnectivity(endpoint);
    this.health.forgetConnection(connection);
    if (retired === 'max-duration' && endpoint.connected === 0) this.#parts.warmth.rotate(endpoint);
    if (endpoint.fleeting && requests > 0) this.balancer.onLost(endpoint);
    if (retired === 'unasked-response') this.health.onUnasked(endpoint);
    this.board.stir();
  }

  onClosed({ endpoint }: Connection): void {
    this.#parts.departures.forgetIfClosed(endpoint);
    this.board.stir();
  }

  #onConnectivity(endpoint: Pod): void {
    this.set.onConnectivity(endpoint);
  }

  // What follows when reasons change

  #onReasons(endpoint: Pod, before: number): void {
    const changed = endpoint.reasons ^ before;
    this.#offer(endpoint);
    if ((changed & HEALTH) !== 0) this.#onHealthChanged(endpoint);
    else if ((changed & IN_DOUBT) !== 0 && endpoint.hasRoom) this.board.wake();
  }

  #onHealthChanged(endpoint: Pod): void {
    if (endpoint.isEjected) this.#parts.weights.onAbsent(endpoint);
    else if (!endpoint.isUnreachable) this.#parts.weights.onPresent(endpoint);
    if (endpoint.isHealthy) this.#parts.departures.forgetIfClosed(endpoint);
    // An endpoint that gets nothing doesn't take the place of a warm one.
    else if (endpoint.warm) this.#parts.preconnect.grow();
    this.#parts.preconnect.onWarmthChanged([endpoint]);
  }

  /** Offers an endpoint for upgraded sockets, and as a near one, if it serves. */
  #offer(endpoint: Pod): void {
    this.#parts.localityRouting?.review(endpoint);
    this.seats.offer(endpoint, endpoint.isAvailable);
  }
}
