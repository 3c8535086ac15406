import type { Timer } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import { type Board, Endpoint } from '../endpoints/endpoint.ts';
import { CONNECTION_LIMIT, FULL, OPENING, UNTRIED } from '../endpoints/reasons.ts';
import { EndpointConnections, type Pooled } from './endpoint-connections.ts';
import type { IdleLife } from './idle-life.ts';

export interface Backoff {
  readonly failedAt: number;
  readonly error: Error;
  readonly timer: Timer;
}

/** What is the same for all endpoints of a service. */
export interface PoolLimits {
  /** Connections that an endpoint may have; `Infinity` without a limit. */
  readonly connections: number;
  /** Whether a connection carries many requests, for all that is known before the first one is made. */
  readonly multiplexes: boolean;
}

const NONE: ReadonlySet<never> = new Set<never>();

/** An endpoint to which connections are made here: those that it has, and the dials to it. */
export class PooledEndpoint<C extends Pooled = Pooled> extends Endpoint {
  /** Its place among those that may be warm, which is for the warm set to say. */
  round = 0;
  rank = 0;
  tier = 0;
  /** Dials under way that may well end soon, and those that should have ended by now. */
  dialing = 0;
  overdue = 0;
  /** Dials that failed in a row. */
  dialFailures = 0;
  /** Set after a failed dial, until it may be dialled again unasked. */
  backoff: Backoff | undefined = undefined;
  /** Nothing has shown yet that it can be reached, while others can. */
  #unproven = false;
  readonly #limits: PoolLimits;
  /** None where there never were any: of thousands of endpoints, most have no connection most of the time. */
  #pool: EndpointConnections<C> | undefined = undefined;

  constructor(key: string, info: EndpointAddress, board: Board, limits: PoolLimits, identity?: string) {
    super(key, info, board, identity);
    this.#limits = limits;
    // Nobody can dial a pod behind a virtual IP.
    if (identity !== undefined) this.note(0, CONNECTION_LIMIT);
  }

  /** All its connections, those that drain included. */
  get connections(): ReadonlySet<C> {
    return this.#pool?.all ?? NONE;
  }

  override get connected(): number {
    return this.#pool?.connected ?? 0;
  }

  /** Those of them that will reach their age soon. */
  get aging(): number {
    return this.#pool?.aging ?? 0;
  }

  /** Connections ever made, and those that were retired. */
  get opened(): number {
    return this.#pool?.opened ?? 0;
  }

  get retirements(): number {
    return this.#pool?.retirements ?? 0;
  }

  get keepAlive(): number | undefined {
    return this.#pool?.keepAlive;
  }

  /** Whether its idle connections last so short that nothing is gained by one that waits for the next request. */
  get fleeting(): boolean {
    return this.#pool?.fleeting === true;
  }

  /** How long its idle connections last, as far as their ends show; none while none has ended. */
  get idleLife(): IdleLife | undefined {
    return this.#pool?.idleLife;
  }

  /** When a request was sent, on the clock, that is known to have been answered; -Infinity if its connections were closed since. */
  get heardAt(): number {
    return this.#pool?.heardAt ?? Number.NEGATIVE_INFINITY;
  }

  get unproven(): boolean {
    return this.#unproven;
  }

  /** Whether a connection is being made that will have room for many. */
  get opening(): boolean {
    return this.#pool?.opening !== undefined;
  }

  /** Whether its connections carry many requests each, for all we know. */
  get multiplexes(): boolean {
    const pool = this.#pool;
    return pool === undefined || pool.opened === 0 ? this.#limits.multiplexes : pool.multiplexed;
  }

  /** Whether dials lead to this very pod: behind a virtual IP they may lead to any. */
  get isDialable(): boolean {
    return this.key === this.address;
  }

  override get isUnreachable(): boolean {
    const { dialFailures, backoff, dialing, overdue } = this;
    return dialFailures > 0 && this.connected === 0 && (backoff !== undefined || dialing + overdue > 0);
  }

  /** Whether it is connected, and a request may go to it, for all that is known of it but doubts. */
  get serves(): boolean {
    return this.connected > 0 && this.isHealthy && this.backoff === undefined;
  }

  get hasRoom(): boolean {
    return this.#pool?.hasRoom === true;
  }

  /** Whether a connection may take a request now. Those found dead or past their age on the way are retired. */
  isReady(now: number): boolean {
    return this.#pool?.isReady(now) === true;
  }

  /** Whether one more connection may be made, as far as those go that there are, and dials. */
  get takesDials(): boolean {
    const pool = this.#pool;
    if (pool?.opening !== undefined || this.identity !== undefined) return false;
    // Those that age are about to go.
    const staying = pool === undefined ? 0 : pool.connected - pool.aging;
    if (staying + this.dialing + this.overdue >= this.#limits.connections) return false;
    // One connection that carries many serves many, so the first dial tells how many are needed.
    return this.dialing === 0 || !this.multiplexes;
  }

  /** Takes a request on, and says on which connection. The endpoint is ready. */
  begin(): C {
    const pool = this.#pool!;
    const connection = pool.next();
    this.count();
    connection.reserve();
    this.restack(connection);
    if (this.#usesInTurn) pool.putLast(connection);
    return connection;
  }

  /**
   * A request has ended. A held one goes on counting as load until `unhold`. Its connection, which has released it, may
   * be another endpoint's by now, which is to restack it.
   */
  end(failed: boolean, held = failed): void {
    this.countEnd(failed, held);
  }

  /** A request has become an upgraded socket or a stream, which is counted apart. */
  setApart(): void {
    this.countApart();
  }

  /** A socket or a stream has ended. */
  endApart(): void {
    this.countApartEnd();
  }

  /** A stream is a request again, which is about to end. */
  takeBack(): void {
    this.countBack();
  }

  // Its connections

  /** Takes in a connection that has just been made. */
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

  /** Gives a connection to another endpoint. What it carries is to be passed on. */
  hand(connection: C, other: PooledEndpoint<C>): void {
    this.#pool!.release(connection);
    this.update();
    other.#take(connection);
    other.restack(connection);
  }

  /** A connection takes requests no more. */
  retire(connection: C): void {
    this.#pool!.retire(connection);
    this.restack(connection);
  }

  /** It has ended a connection that idled: after so many milliseconds, if they were counted. */
  onIdleEnd(idle: number | undefined): void {
    this.#pool!.onIdleEnd(idle);
  }

  /** A connection is no more. */
  forget(connection: C): void {
    this.#pool!.all.delete(connection);
  }

  get #usesInTurn(): boolean {
    return this.identity !== undefined && this.board.usesConnectionsInTurn;
  }

  /** Puts the connection where it belongs after anything about it or its load changed. */
  restack(connection: C): void {
    this.#pool!.restack(connection, this.#usesInTurn);
    this.update();
  }

  /** Something about its connections has changed, or about dials to it. */
  update(): void {
    this.note(FULL | OPENING | CONNECTION_LIMIT, this.#reasonsOfConnections());
    this.board.update(this);
  }

  /** Where it has room, nobody asks whether it may be dialled. */
  #reasonsOfConnections(): number {
    if (this.#pool?.hasRoom === true) return 0;
    const { inFlight, dialing, overdue } = this;
    if (this.takesDials && inFlight + dialing + overdue < this.board.maxRequests) return FULL;
    const opens = this.opening || (dialing > 0 && this.multiplexes);
    return FULL | (opens ? OPENING : CONNECTION_LIMIT);
  }

  /** A connection will reach its age soon. Whether too few will be left. */
  onAging(): boolean {
    const pool = this.#pool!;
    pool.aging++;
    return pool.isShort(this.dialing);
  }

  /** Whether nothing will be left when those have gone that age. */
  get willBeBare(): boolean {
    return this.#pool!.staying(this.dialing) === 0;
  }

  /** Whether no connection is made ahead of requests this time: of the last ones, too many were closed unused. */
  passesOver(): boolean {
    return this.#pool?.passesOver() === true;
  }

  /** A request that was sent at that time, on the clock, has been answered. */
  onAnswer(sentAt: number): void {
    if (this.#pool !== undefined) this.#pool.heardAt = sentAt;
  }

  /** It has said for how many milliseconds its idle connections last. */
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

  /** Its last dial has failed, and nothing is connected: others are dialled first. */
  onUnreached(): void {
    this.bar(UNTRIED);
  }
}
