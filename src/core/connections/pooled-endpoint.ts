import type { Timer } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import { type Board, Endpoint } from '../endpoints/endpoint.ts';
import { CONNECTION_LIMIT, FULL, OPENING, UNTRIED } from '../endpoints/reasons.ts';
import { EndpointConnections, type Pooled } from './endpoint-connections.ts';
import type { IdleLife, Repeatable } from './idle-life.ts';

export interface Backoff {
  readonly failedAt: number;
  readonly error: Error;
  readonly timer: Timer;
}

/** What is the same for all endpoints of a service. */
export interface PoolLimits {
  /** How many connections an endpoint may have; `Infinity` without a limit. */
  readonly connections: number;
  /** Whether a connection probably carries many requests at a time, before there is one. */
  readonly multiplexes: boolean;
}

const NONE: ReadonlySet<never> = new Set<never>();

/** An endpoint whose connections evenkeel makes: its connections, and the dials to it. */
export class PooledEndpoint<C extends Pooled = Pooled> extends Endpoint {
  /** Its position in the warm set, which sets these. */
  round = 0;
  rank = 0;
  tier = 0;
  /** Dials that may end well soon, and dials that have taken too long. */
  dialing = 0;
  overdue = 0;
  /** How many dials failed in a row. */
  dialFailures = 0;
  /** Set after a failed dial. While it is set, only a waiting request may dial the endpoint. */
  backoff: Backoff | undefined = undefined;
  /** Whether other endpoints can be reached, and nothing shows yet that this one can. */
  #unproven = false;
  #keepsConnections = false;
  readonly #limits: PoolLimits;
  /** Created with the first connection: of thousands of endpoints, most have none most of the time. */
  #pool: EndpointConnections<C> | undefined = undefined;

  constructor(key: string, info: EndpointAddress, board: Board, limits: PoolLimits, identity?: string) {
    super(key, info, board, identity);
    this.#limits = limits;
    // A pod behind a virtual IP can't be dialled.
    if (identity !== undefined) this.note(0, CONNECTION_LIMIT);
  }

  /** All its connections, also those that drain. */
  get connections(): ReadonlySet<C> {
    return this.#pool?.all ?? NONE;
  }

  override get connected(): number {
    return this.#pool?.connected ?? 0;
  }

  /** How many connections will reach their age soon. */
  get aging(): number {
    return this.#pool?.aging ?? 0;
  }

  /** How many connections were made, and how many were retired, since the start. */
  get opened(): number {
    return this.#pool?.opened ?? 0;
  }

  get retirements(): number {
    return this.#pool?.retirements ?? 0;
  }

  /** How many of these it has ended itself. */
  get ends(): number {
    return this.#pool?.ends ?? 0;
  }

  get keepAlive(): number | undefined {
    return this.#pool?.keepAlive;
  }

  /** Whether it closes idle connections so soon that none can wait for the next request. */
  get fleeting(): boolean {
    return this.#pool?.fleeting === true;
  }

  /** How long its idle connections last, as their ends show; `undefined` while none has ended. */
  get idleLife(): IdleLife | undefined {
    return this.#pool?.idleLife;
  }

  /** When the last answered request was sent, on the clock; -Infinity if it has closed its connections since. */
  get heardAt(): number {
    return this.#pool?.heardAt ?? Number.NEGATIVE_INFINITY;
  }

  /** Whether its connections outlive a response: the last one that was used again did. */
  get keepsConnections(): boolean {
    return this.#keepsConnections;
  }

  get unproven(): boolean {
    return this.#unproven;
  }

  /** Whether a connection is being made that will have room for many requests. */
  get opening(): boolean {
    return this.#pool?.opening !== undefined;
  }

  /** Whether its connections probably carry many requests each. */
  get multiplexes(): boolean {
    const pool = this.#pool;
    return pool === undefined || pool.opened === 0 ? this.#limits.multiplexes : pool.multiplexed;
  }

  /** Whether a dial leads to this very pod. Behind a virtual IP, a dial may lead to any pod. */
  get isDialable(): boolean {
    return this.key === this.address;
  }

  override get isUnreachable(): boolean {
    const { dialFailures, backoff, dialing, overdue } = this;
    return dialFailures > 0 && this.connected === 0 && (backoff !== undefined || dialing + overdue > 0);
  }

  /** Whether it is connected, and may get requests (it may still be in doubt). */
  get serves(): boolean {
    return this.connected > 0 && this.isHealthy && this.backoff === undefined;
  }

  get hasRoom(): boolean {
    return this.#pool?.hasRoom === true;
  }

  /** Whether a connection may take a request now. Retires connections that turn out to be dead or too old. */
  isReady(now: number, request?: Repeatable): boolean {
    return this.#pool?.isReady(now, request) === true;
  }

  /** Whether its connections and dials leave room for one more connection. */
  get takesDials(): boolean {
    const pool = this.#pool;
    if (pool?.opening !== undefined || this.identity !== undefined) return false;
    // Connections that age will leave soon.
    const staying = pool === undefined ? 0 : pool.connected - pool.aging;
    if (staying + this.dialing + this.overdue >= this.#limits.connections) return false;
    // If a connection carries many requests, the first dial shows how many connections are needed.
    return this.dialing === 0 || !this.multiplexes;
  }

  /** Counts a request, and returns the connection for it. The endpoint must be ready. */
  begin(): C {
    const pool = this.#pool!;
    const connection = pool.next();
    this.count();
    connection.reserve();
    this.restack(connection);
    if (this.#usesInTurn()) pool.putLast(connection);
    return connection;
  }

  /**
   * A request has ended. If `held`, it counts as load until `unhold`. The connection may belong to another endpoint by
   * now, which restacks it.
   */
  end(failed: boolean, held = failed): void {
    this.countEnd(failed, held);
  }

  /** A request has become an upgraded socket or a stream, which evenkeel counts apart. */
  setApart(): void {
    this.countApart();
  }

  /** A socket or a stream has ended. */
  endApart(): void {
    this.countApartEnd();
  }

  /** Counts a stream as a request again, just before it ends. */
  takeBack(): void {
    this.countBack();
  }

  // Its connections

  /** Adds a connection that was just made. */
  add(connection: C): void {
    this.#unproven = false;
    this.#take(connection);
    if (connection.multiplexed) this.#pool!.opening = connection;
    this.restack(connection);
  }

  #take(connection: C): void {
    this.#pool ??= new EndpointConnections();
    this.#pool.add(connection);
    this.note(UNTRIED, 0);
  }

  /** Moves a connection to another endpoint. The caller moves what it carries. */
  hand(connection: C, other: PooledEndpoint<C>): void {
    this.#pool!.release(connection);
    this.update();
    other.#take(connection);
    other.restack(connection);
  }

  /** A connection takes no more requests. */
  retire(connection: C): void {
    this.#pool!.retire(connection);
    this.restack(connection);
  }

  /** A connection was ended after so many responses; it was idle for `idle` milliseconds, if that was measured. */
  onIdleEnd(idle: number | undefined, responses: number): void {
    this.#pool!.onIdleEnd(idle, responses, this.requests);
  }

  /** A connection was used again. `outlived`: the request on it did not break. */
  onReused(outlived: boolean): void {
    this.#keepsConnections = outlived;
  }

  /** A connection has closed. */
  forget(connection: C): void {
    this.#pool!.all.delete(connection);
  }

  #usesInTurn(): boolean {
    return this.identity !== undefined && this.board.usesConnectionsInTurn;
  }

  /** Puts a connection in its place after it or its load has changed. */
  restack(connection: C): void {
    this.#pool!.restack(connection, this.#usesInTurn());
    this.update();
  }

  /** Sets its reasons again after its connections or dials have changed. */
  update(): void {
    this.note(FULL | OPENING | CONNECTION_LIMIT, this.#reasonsOfConnections());
    this.board.update(this);
  }

  /** If it has room, nobody asks whether it may be dialled. */
  #reasonsOfConnections(): number {
    if (this.#pool?.hasRoom === true) return 0;
    const { inFlight, dialing, overdue } = this;
    if (this.takesDials && inFlight + dialing + overdue < this.board.maxRequests) return FULL;
    const opens = this.opening || (dialing > 0 && this.multiplexes);
    return FULL | (opens ? OPENING : CONNECTION_LIMIT);
  }

  /** A connection will reach its age soon. Returns whether too few will be left. */
  onAging(): boolean {
    const pool = this.#pool!;
    pool.aging++;
    return pool.isShort(this.dialing);
  }

  /** Whether no connection will be left when those that age have gone. */
  get willBeBare(): boolean {
    return this.#pool!.staying(this.dialing) === 0;
  }

  /** Whether to skip a connection that would be made ahead of requests, because too many of the last ones closed unused. */
  passesOver(): boolean {
    return this.#pool?.passesOver() === true;
  }

  /** A request that was sent at `sentAt`, on the clock, was answered. */
  onAnswer(sentAt: number): void {
    if (this.#pool !== undefined) this.#pool.heardAt = sentAt;
  }

  /** The endpoint says for how many milliseconds it keeps idle connections. */
  setKeepAlive(milliseconds: number): void {
    if (this.#pool !== undefined) this.#pool.keepAlive = milliseconds;
  }

  setFleeting(fleeting: boolean): void {
    if (this.#pool !== undefined) this.#pool.fleeting = fleeting;
  }

  // Dials to it

  /** Nothing has shown that it can be reached, while others can. */
  setUnproven(): void {
    this.#unproven = true;
  }

  /** Its last dial has failed. So connections that rest are used again. If it has no connection, others are dialled first. */
  onUnreached(): void {
    for (const { idling } of this.connections) idling.wake();
    if (this.connected === 0) this.bar(UNTRIED);
  }
}
