import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import type { Client, Dispatcher } from 'undici';
import type { RetryReason, Settings } from '../config/settings.ts';
import { type ServiceStats, statsOf } from '../telemetry/stats.ts';
import { assertRequest } from '../transports/undici/checks.ts';
import { Exchange, type ExchangeOwner, type Outcome } from '../transports/undici/exchange.ts';
import { keepAliveOf } from '../transports/undici/keep-alive.ts';
import { keyHashOf } from '../transports/undici/request-key.ts';
import { requestCreate } from '../transports/undici/trace.ts';
import type { Observation } from './balancing/picker.ts';
import { channels } from './base/channels.ts';
import type { Clock, Timer } from './base/clock.ts';
import { NoEndpointsError } from './base/errors.ts';
import { LoopTurn } from './base/loop-turn.ts';
import { Queue, type QueueOwner } from './calls/queue.ts';
import { mayReroute, Retries } from './calls/retries.ts';
import type { Connection } from './connections/connection.ts';
import { EndpointPool, type PoolOwner } from './connections/endpoint-pool.ts';
import { Discovery, type DiscoveryOwner } from './discovery/discovery.ts';
import type { Resolver } from './discovery/resolver.ts';
import type { Endpoint } from './endpoints/endpoint.ts';
import type { EndpointUpdate } from './endpoints/endpoint-keys.ts';
import type { EndpointSet } from './endpoints/endpoint-set.ts';
import { Holds } from './endpoints/holds.ts';
import { QuickErrors } from './endpoints/quick-errors.ts';
import { liveServices } from './live-services.ts';

/** What a service tells its agent. */
export interface ServiceOwner {
  onClientEvent(service: Service, event: 'connect' | 'disconnect', client: Client, error?: Error): void;
  onConnectionError(service: Service, error: Error): void;
  /** It takes requests again, after `dispatch` has returned false. */
  onDrain(service: Service): void;
  /** Nobody has used it for `originIdleTimeout`. */
  onIdle(service: Service): void;
}

export interface ServiceOptions {
  /** What its agent knows it by. */
  key: string;
  url: URL;
  /** The name for SNI and certificate checks; '' for an IP address. */
  servername: string;
  settings: Settings;
  resolver: Resolver;
  /** Tells this client from others, for choices that should differ between them. */
  identity: string;
}

/** The part of the usual latency that each request makes. */
const NEWS = 1 / 16;

/** One destination: who serves a request, who waits for a connection, and when that has no use any more. */
export class Service implements PoolOwner, QueueOwner, ExchangeOwner, DiscoveryOwner {
  readonly key: string;
  readonly url: URL;
  readonly servername: string;
  /** Requests given to endpoints, each as often as it was. */
  requests = 0;

  readonly #settings: Settings;
  readonly #owner: ServiceOwner;
  readonly #pool: EndpointPool;
  readonly #discovery: Discovery;
  readonly #holds: Holds;
  readonly #quickErrors = new QuickErrors();
  readonly #queue: Queue;
  readonly #retries: Retries;
  readonly #turn = new LoopTurn();
  readonly #observes: boolean;
  /** How long requests take that are served, if anybody wants to know how long one does. */
  #latency = 0;
  /** Requests ever taken. */
  #taken = 0;
  #quiet = true;
  #running = 0;
  #needDrain = false;
  #idle: Timer | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;
  #destroyedBy: Error | undefined;

  constructor({ key, url, servername, settings, resolver, identity }: ServiceOptions, owner: ServiceOwner) {
    this.key = key;
    this.url = url;
    this.servername = servername;
    this.#settings = settings;
    this.#owner = owner;
    this.#pool = new EndpointPool(this, settings, identity);
    this.#queue = new Queue(this.#pool, settings, this);
    this.#observes = this.#pool.balancer.observes;
    const { clock, random, retry } = settings;
    this.#retries = new Retries(retry, clock.now());
    this.#holds = new Holds(clock);
    this.#discovery = new Discovery(this, { resolver, clock, random });
    liveServices.start(this);
  }

  /** Those of them that failed. */
  get failures(): number {
    return this.#holds.total;
  }

  get clock(): Clock {
    return this.#settings.clock;
  }

  /** Who said which endpoints there are. */
  get source(): string {
    return this.#discovery.source;
  }

  get endpoints(): Pick<EndpointSet, 'known' | 'seesPods' | typeof Symbol.iterator> {
    return this.#pool.set;
  }

  get inUse(): boolean {
    return !this.#quiet;
  }

  get demand(): number {
    return this.#running + this.waiting;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Takes a request. False when the caller should wait for `drain` before the next.
   *
   * @param given what the caller gave
   * @throws what undici would of a bad one
   */
  dispatch(exchange: Exchange, given: Dispatcher.DispatchOptions): boolean {
    const { options } = exchange;
    // First, for it may throw.
    if (this.#pool.bindsByKey) exchange.keyHash = keyHashOf(given, options, this.#settings.ringHash);
    // Should it be sent again, that happens in the context of a socket.
    if (requestCreate.hasSubscribers) exchange.context = new AsyncResource('EVENKEEL_REQUEST');
    if (this.#quiet) this.#wake();
    this.#pool.count();
    this.#taken++;
    this.#quickErrors.release(this.#taken);
    const now = this.#settings.clock.now();
    this.#turn.note(now);
    exchange.takenAt = now | 0;
    const endpoint = this.#endpointFor(exchange, now);
    // A Client checks what it is given at once. The others fail as early.
    if (endpoint === undefined || this.#turn.isStale) assertRequest(options);
    if (endpoint !== undefined) {
      this.#give(exchange, endpoint);
      return !this.#pool.admission.isLimited || this.#hasRoom();
    }
    this.#queue.add(exchange);
    return this.#hasRoom();
  }

  /** The endpoint that serves a request at once, if there is one. */
  #endpointFor(exchange: Exchange, now: number): Endpoint | undefined {
    if (exchange.keyHash >= 0) return this.#queue.pickByKey(exchange, now);
    return this.#queue.isBusy || exchange.lasting ? undefined : this.#pool.balancer.pick(now);
  }

  stats(): ServiceStats {
    return statsOf(
      this.endpoints.known,
      this.waiting,
      this.#running,
      this.#discovery,
      this.#pool.locality?.crossZoneShare,
    );
  }

  /** Finishes what was taken, then closes all connections. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#closeIfDone();
    return this.#closing;
  }

  /** Ends everything now, with `error` for what was taken. */
  destroy(error: Error): Promise<void> {
    this.#destroyedBy = error;
    this.#queue.failAll(error);
    this.#pool.destroy(error);
    return this.close();
  }

  // Requests on their way

  start(exchange: Exchange, endpoint: Endpoint): void {
    const now = this.#settings.clock.now();
    exchange.waited = (now - exchange.takenAt) | 0;
    // The connection that has just come free may have ended right after its response, while this process was busy.
    this.#turn.note(now);
    this.#give(exchange, endpoint);
  }

  /** Milliseconds since a request was taken. */
  #since({ takenAt }: Exchange): number {
    return (this.#settings.clock.now() - takenAt) | 0;
  }

  #give(exchange: Exchange, endpoint: Endpoint): void {
    this.#running++;
    this.requests++;
    exchange.endpoint = endpoint;
    const connection =
      exchange.keyHash < 0 ? this.#pool.balancer.begin(endpoint) : this.#beginBound(exchange, endpoint);
    exchange.connection = connection;
    if (this.#observes) exchange.sentAt = this.#settings.clock.now();
    if (this.#turn.isStale) connection.sendNextTurn(exchange);
    else connection.send(exchange);
  }

  #beginBound(exchange: Exchange, endpoint: Endpoint): Connection {
    if (exchange.lasting && !exchange.seated) {
      this.#pool.seats.join(endpoint);
      exchange.seated = true;
    }
    return this.#pool.balancer.beginBound(endpoint);
  }

  onFirstResponse(exchange: Exchange, headers: Record<string, string | string[] | undefined>): void {
    const { endpoint, connection } = exchange;
    if (endpoint === undefined || connection === undefined) return;
    connection.told = true;
    this.#pool.onKeepAlive(endpoint, keepAliveOf(headers, this.#settings.client));
    const pod = this.#pool.identify(connection, endpoint, exchange.statusCode, headers);
    if (pod === endpoint) return;
    if (!connection.h2) this.#pass(exchange, endpoint, pod);
    for (const other of connection.carried) if (other instanceof Exchange) this.#pass(other, endpoint, pod);
  }

  /** A request belongs to the pod that its connection turned out to lead to. */
  #pass(exchange: Exchange, slot: Endpoint, pod: Endpoint): void {
    exchange.endpoint = pod;
    slot.pass(exchange, pod);
    if (!exchange.seated) return;
    this.#pool.seats.leave(slot);
    this.#pool.seats.join(pod);
  }

  onStreaming(exchange: Exchange, streaming: boolean): void {
    const { endpoint, connection } = exchange;
    if (endpoint === undefined || connection === undefined) return;
    if (!streaming) {
      this.#leaveSeat(exchange, endpoint);
      return;
    }
    if (!exchange.seated) this.#pool.seats.join(endpoint);
    exchange.seated = true;
    exchange.streaming = true;
    this.#pool.onServed(endpoint);
    endpoint.stream(connection, exchange);
    this.#afterEnd();
  }

  #leaveSeat(exchange: Exchange, endpoint: Endpoint): void {
    if (!exchange.seated) return;
    exchange.seated = false;
    this.#pool.seats.leave(endpoint);
  }

  onObserved(exchange: Exchange, observation: Observation): void {
    let latency = this.#settings.clock.now() - exchange.sentAt;
    exchange.sentAt = -1;
    // How soon an endpoint answers with an error doesn't tell how soon it would serve.
    if (observation === 'answered' && exchange.statusCode >= 400) latency = Math.max(latency, this.#latency);
    else if (observation === 'answered') this.#latency += (latency - this.#latency) * NEWS;
    if (exchange.endpoint !== undefined) this.#pool.balancer.observe(exchange.endpoint, latency, observation);
  }

  onTried({ endpoint, statusCode }: Exchange): void {
    if (endpoint !== undefined) this.#pool.health.onTried(endpoint, statusCode);
  }

  onOverloaded(
    { endpoint, statusCode }: Exchange,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (endpoint !== undefined) this.#pool.health.onOverloaded(endpoint, statusCode, headers);
  }

  onEnded(exchange: Exchange, result: Outcome): void {
    const { endpoint, connection } = exchange;
    if (endpoint === undefined || connection === undefined) return;
    const outcome = result === 'expired' ? this.#blameFor(exchange) : result;
    exchange.connection = undefined;
    if (exchange.streaming) {
      exchange.streaming = false;
      endpoint.streamEnded(connection);
      this.#running++;
    }
    const broken = outcome === 'failure' || outcome === 'timeout';
    const failed = broken || outcome === 'rejected';
    if (outcome === 'refused') connection.takeOff();
    if (outcome === 'success') endpoint.heardAt = this.#turn.requestAt;
    if (failed) this.#holds.add(endpoint);
    if ((broken || outcome === 'cancelled') && !connection.h2) connection.retire('error');
    if (exchange.sentAt >= 0 && outcome !== 'refused') {
      this.onObserved(exchange, failed ? 'failed' : 'given-up');
    }
    this.#pool.health.judge(endpoint, connection, outcome, exchange.statusCode);
    this.#leaveSeat(exchange, endpoint);
    if (outcome === 'success') this.#pool.onAnswer(endpoint, exchange.statusCode);
    else if (outcome === 'cancelled' && hadEnough(exchange)) this.#pool.onServed(endpoint);
    // A key leads to its endpoint, be that quick or not.
    const held = outcome === 'success' && exchange.statusCode >= 400 && exchange.keyHash < 0;
    if (held) {
      this.#quickErrors.add(endpoint, this.#taken + this.#running - 1);
      this.#pool.plan.pace.onError(this.#pool.set.current.size);
    }
    endpoint.end(connection, exchange, failed, failed || held);
    this.#afterEnd();
  }

  /** Whether it was the endpoint that let a caller's time run out, rather than the wait for it, or this process. */
  #blameFor(exchange: Exchange): 'timeout' | 'cancelled' {
    const wasEndpoints = this.#since(exchange) >= 2 * exchange.waited;
    return wasEndpoints && !this.#pool.isHeldUp(this.#settings.clock.now()) ? 'timeout' : 'cancelled';
  }

  onUpgraded(exchange: Exchange, socket: Duplex): void {
    const { endpoint, connection } = exchange;
    if (endpoint === undefined || connection === undefined) return;
    exchange.connection = undefined;
    endpoint.upgrade(connection, exchange);
    this.#pool.onServed(endpoint);
    this.#pool.health.judge(endpoint, connection, 'success', exchange.statusCode);
    socket.once('close', () => {
      endpoint.upgradeEnded(connection);
      this.#leaveSeat(exchange, endpoint);
    });
    this.#afterEnd();
  }

  onUnsent(exchange: Exchange, error: Error): void {
    const { endpoint, connection } = exchange;
    // Those that have served others end as idle ones do, any number of them at once. New ones end for a reason.
    const isNew = connection === undefined || connection.h2 || connection.requests === 1;
    connection?.retire('closed-by-peer');
    this.#takeBack(exchange, false);
    if (endpoint === undefined || (isNew && !mayReroute(exchange))) exchange.fail(error);
    else this.#queueAgain(exchange);
  }

  onRefused(exchange: Exchange, error: Error, givenBack: boolean): void {
    const { endpoint, connection } = exchange;
    // One that refuses streams has enough for a moment. One that goes away has not.
    this.#takeBack(exchange, connection?.retired === undefined);
    const now = this.#settings.clock.now();
    const allowed = givenBack
      ? this.#retries.allowGivenBack(exchange)
      : this.#retries.allow(exchange, 'refused', this.#taken, now);
    if (endpoint === undefined || !allowed) {
      exchange.fail(error);
    } else if (exchange.upgrades) {
      this.#queueAgain(exchange);
    } else {
      this.#retry(exchange, endpoint, error, 'refused');
    }
  }

  onUnanswered(exchange: Exchange, error: Error, reason: RetryReason): boolean {
    const { endpoint } = exchange;
    const now = this.#settings.clock.now();
    if (endpoint === undefined || this.#destroyedBy !== undefined) return false;
    if (!this.#retries.allow(exchange, reason, this.#taken, now)) return false;
    this.onEnded(exchange, 'failure');
    this.#retry(exchange, endpoint, error, reason);
    return true;
  }

  /** Ends the stay of a request at its endpoint, which has done nothing for it. */
  #takeBack(exchange: Exchange, held: boolean): void {
    const { endpoint, connection } = exchange;
    if (endpoint === undefined || connection === undefined) return;
    exchange.connection = undefined;
    if (held) this.#holds.add(endpoint);
    this.#leaveSeat(exchange, endpoint);
    endpoint.end(connection, exchange, held);
    this.#running--;
    this.#queue.serveSoon();
  }

  #queueAgain(exchange: Exchange): void {
    const failedSomewhere = (exchange.attempts?.failed.length ?? 0) > 0;
    if (this.#destroyedBy !== undefined) exchange.fail(this.#destroyedBy);
    else if (failedSomewhere) this.#queue.addRetry(exchange);
    else this.#queue.addAgain(exchange);
  }

  /** Sends a request again, elsewhere if it can be. */
  #retry(exchange: Exchange, endpoint: Endpoint, error: Error, reason: RetryReason): void {
    if (this.#destroyedBy !== undefined) {
      exchange.fail(this.#destroyedBy);
      return;
    }
    const attempts = exchange.attempts!;
    attempts.failed.push(endpoint);
    attempts.error = error;
    if (channels.requestRetry.hasSubscribers) {
      const { origin } = this.url;
      const { method } = exchange.options;
      const path = withoutQuery(exchange.options.path);
      const { address } = endpoint;
      channels.requestRetry.publish({
        origin,
        address,
        reason,
        attempt: attempts.resent,
        method,
        path,
        error,
      });
    }
    // A subscriber may have ended it, or everything.
    const ended = exchange.reason ?? this.#destroyedBy;
    if (ended === undefined) this.#queue.addRetry(exchange);
    else exchange.fail(ended);
  }

  onAbandoned(exchange: Exchange, error: Error): void {
    this.#queue.remove(exchange);
    exchange.fail(error);
    this.#queue.serveSoon();
  }

  #afterEnd(): void {
    this.#running--;
    if (this.#isAwaited) this.#queue.serveSoon();
  }

  /** Whether anybody waits for a connection to become free, or closed. */
  get #isAwaited(): boolean {
    return this.waiting > 0 || this.#needDrain || this.#onClosed !== undefined;
  }

  // Requests that wait

  noEndpoints(timeout: number): NoEndpointsError {
    const counts = new Map<string, number>();
    for (const { condition } of this.endpoints.known) counts.set(condition, (counts.get(condition) ?? 0) + 1);
    const known = Array.from(counts, ([state, count]) => `${count} ${state}`).join(', ');
    const cause = this.#pool.dials.lastError ?? this.#discovery.error;
    return new NoEndpointsError(
      `no endpoint for ${this.url.origin} after ${timeout} ms (${this.#pool.set.current.size} known${known && `: ${known}`})`,
      cause ? { cause } : undefined,
    );
  }

  #hasRoom(): boolean {
    if (
      !this.#queue.isFull &&
      !this.#pool.admission.isSaturated &&
      !this.#pool.admission.isTakenBy(this.demand)
    ) {
      return true;
    }
    this.#needDrain = true;
    return false;
  }

  onNobodyKnown(): void {
    this.#discovery.demand();
  }

  onServed(): void {
    if (this.#needDrain && !this.#pool.admission.isSaturated && this.waiting === 0) {
      this.#needDrain = false;
      this.#owner.onDrain(this);
    }
    this.#closeIfDone();
  }

  // What the pool says

  onRoom(): void {
    this.#queue.serve();
  }

  onUnreachable(): boolean {
    return this.#discovery.onUnreachable();
  }

  onSlow(): void {
    if (this.#settings.comparesFamilies) this.#discovery.onSlow();
  }

  onUnreached(endpoint: Endpoint, error: Error): void {
    this.#queue.onUnreached(endpoint, error);
    if (this.#isAwaited) this.#queue.serveSoon();
  }

  onDialFailed(error: Error): void {
    this.#owner.onConnectionError(this, error);
    if (this.#isAwaited) this.#queue.serveSoon();
  }

  onConnectionGone(): void {
    if (this.#isAwaited) this.#queue.serveSoon();
  }

  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    this.#owner.onClientEvent(this, event, client, error);
  }

  onQuiet(): void {
    this.#quiet = true;
    this.#idleLater();
  }

  #idleLater(): void {
    const { clock, originIdleTimeout } = this.#settings;
    this.#idle = clock.schedule(() => {
      // New sockets and streams are placed by the number of the open ones, so that these are in use.
      if (this.#pool.seats.taken > 0) this.#idleLater();
      else this.#owner.onIdle(this);
    }, originIdleTimeout);
  }

  // Discovery

  #wake(): void {
    this.#quiet = false;
    this.#idle?.cancel();
    if (this.#discovery.isStale) this.#pool.frozen = true;
    this.#pool.wake();
    this.#discovery.demand();
  }

  onUpdate(update: EndpointUpdate): void {
    this.#pool.update(update);
    this.#queue.onUpdate();
  }

  onError(error: Error, askedAt: number): void {
    this.#pool.awaitsNews = false;
    this.#pool.frozen = this.#discovery.isWithdrawn;
    if (this.#discovery.isKnown) {
      this.#queue.serve();
      return;
    }
    this.#queue.failAll(error, askedAt);
    this.#queue.serveSoon();
  }

  // The end

  #closeIfDone(): void {
    if (this.#onClosed === undefined || this.demand > 0) return;
    this.#discovery.stop();
    this.#idle?.cancel();
    this.#queue.stop();
    this.#holds.clear();
    this.#pool.close();
    if (!this.#pool.empty) return;
    liveServices.end(this);
    this.#onClosed();
    this.#onClosed = undefined;
  }
}

/** A query may hold what is nobody else's to see. */
function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}

/** Whether a caller has ended a request whose response it had the head of, and not because time ran out. */
function hadEnough({ statusCode, reason }: Exchange): boolean {
  if (reason === null || reason.name === 'TimeoutError') return false;
  return statusCode >= 200 && statusCode < 500;
}
