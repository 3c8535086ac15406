import { IdleLife, type Repeatable } from './idle-life.ts';
import type { Idling } from './idling.ts';

/** A connection, as its endpoint sees it. */
export interface Pooled {
  /** Its neighbours in the stack of connections with room. */
  below: Pooled | undefined;
  above: Pooled | undefined;
  stacked: boolean;
  /** Whether it carries many requests at a time. */
  readonly multiplexed: boolean;
  /** Whether one more request can be sent now. */
  readonly room: boolean;
  /** Whether it will soon have room for many requests. */
  readonly opening: boolean;
  /** Whether it will reach its age soon. */
  readonly aging: boolean;
  /** Whether it waits for a first request. */
  readonly parked: boolean;
  /** Whether recent traffic needed it, or used it. */
  readonly needed: boolean;
  readonly used: boolean;
  /** How many requests it has carried. */
  readonly requests: number;
  /** Why it takes no more requests. */
  readonly retired: string | undefined;
  /** Whether it may take a request at this moment. If not, this retires it, or lets it rest. */
  check(now: number, request?: Repeatable): boolean;
  /** Takes a request, which is sent next. */
  reserve(): void;
  readonly idling: Pick<Idling, 'wake'>;
}

/** With this many unused connections in a row, evenkeel makes only one of 256 that it would make ahead of requests. */
const MOST_WASTED = 8;

/** The connections of one endpoint. Exists once the endpoint had one. */
export class EndpointConnections<C extends Pooled> {
  /** All connections, also those that drain. */
  readonly all = new Set<C>();
  /** How many take requests. */
  connected = 0;
  /** How many of these will reach their age soon. */
  aging = 0;
  /** A connection that will soon have room for many requests, so that no other needs to be made. */
  opening: C | undefined = undefined;
  /** Whether each connection carries many requests at a time. */
  multiplexed = false;
  /** How many were made, and how many were retired, since the start. */
  opened = 0;
  retirements = 0;
  /** How many of these the endpoint has ended. */
  ends = 0;
  /** For how many milliseconds the endpoint keeps idle connections, if it has said so. */
  keepAlive: number | undefined = undefined;
  /** Whether that is so short that no connection can wait for the next request. */
  fleeting = false;
  /** When the last answered request was sent, on the clock; -Infinity if the endpoint has closed its connections since. */
  heardAt = Number.NEGATIVE_INFINITY;
  /** How long idle connections last, as their ends show; `undefined` while none has ended. */
  idleLife: IdleLife | undefined = undefined;
  /** The ends of the stack of connections with room. The one used last is used first; unused ones come last. */
  #top: C | undefined = undefined;
  #bottom: C | undefined = undefined;
  /** How many connections made ahead of requests closed unused, minus how many were used. */
  #wasted = 0;
  /** How many times to skip a connection that would be made ahead of requests. */
  #passes = 0;

  get hasRoom(): boolean {
    return this.#top !== undefined;
  }

  /** Whether a connection may take a request now. Puts connections aside that turn out to be dead, too old, or near their end. */
  isReady(now: number, request?: Repeatable): boolean {
    for (let top = this.#top; top !== undefined; top = this.#top) {
      if (top.check(now, request)) return true;
    }
    return false;
  }

  /** The connection for the next request. There must be one with room. */
  next(): C {
    const top = this.#top!;
    if (this.#wasted > 0 && top.parked) this.#wasted--;
    return top;
  }

  add(connection: C): void {
    this.all.add(connection);
    this.connected++;
    this.opened++;
    if (connection.aging) this.aging++;
    this.multiplexed = connection.multiplexed;
  }

  /** A connection takes no more requests. */
  lose(connection: C): void {
    this.connected--;
    if (connection.aging) this.aging--;
  }

  /** A connection retires. (One that moves to another endpoint doesn't.) */
  retire(connection: C): void {
    this.lose(connection);
    this.retirements++;
    const isClosed = connection.retired === 'closed-by-peer';
    if (isClosed) this.ends++;
    // If this was the last connection, the endpoint may have ended.
    if (isClosed && this.connected === 0) this.heardAt = Number.NEGATIVE_INFINITY;
    const isPeers = isClosed || connection.retired === 'unasked-response';
    if (isPeers && connection.requests === 0) this.#onWasted();
  }

  /**
   * The endpoint has ended a connection that was idle for `idle` milliseconds, if that was measured.
   *
   * @param responses how many the connection had carried
   * @param requests how many the endpoint has had
   */
  onIdleEnd(idle: number | undefined, responses: number, requests: number): void {
    this.idleLife ??= new IdleLife();
    if (idle === undefined) return;
    this.idleLife.onEnd(idle);
    this.idleLife.haste.onEnd(idle, responses, requests);
  }

  /** A connection moves to another endpoint. */
  release(connection: C): void {
    if (connection.stacked) this.#unstack(connection);
    this.all.delete(connection);
    this.lose(connection);
    if (this.opening === connection) this.opening = undefined;
  }

  /** Puts a connection in its place after it has changed. */
  restack(connection: C, inTurn: boolean): void {
    if (connection.room) {
      if (!connection.stacked) this.#push(connection, inTurn || connection.requests === 0);
    } else if (connection.stacked) {
      this.#unstack(connection);
    }
    if (this.opening?.opening === false) this.opening = undefined;
  }

  /** How many connections there will be when those that age have gone, if `dialing` are being made. */
  staying(dialing: number): number {
    return this.connected - this.aging + dialing;
  }

  /**
   * Whether fewer connections will be left than recent traffic needed. The connection used last is used first. So after
   * a burst, the connections that aren't needed are not used, and need no successors.
   */
  isShort(dialing: number): boolean {
    const staying = this.staying(dialing);
    let needed = 0;
    for (const connection of this.all) {
      if ((staying === 0 ? connection.used : connection.needed) && ++needed > staying) return true;
    }
    return false;
  }

  /** Whether to skip a connection that would be made ahead of requests, because too many of the last ones closed unused. */
  passesOver(): boolean {
    if (this.#passes === 0) return false;
    this.#passes--;
    return true;
  }

  /** A connection closed unused. Others that were made at the same time tell nothing new. */
  #onWasted(): void {
    if (this.#passes > 0) return;
    this.#wasted = Math.min(this.#wasted + 1, MOST_WASTED);
    this.#passes = 2 ** this.#wasted;
  }

  /** A connection was used, and still has room. If connections are used in turn, it is the last one now. */
  putLast(connection: C): void {
    if (!connection.stacked || connection === this.#bottom) return;
    this.#unstack(connection);
    this.#push(connection, true);
  }

  #push(connection: C, last: boolean): void {
    connection.stacked = true;
    if (this.#bottom === undefined) {
      this.#top = connection;
      this.#bottom = connection;
    } else if (last) {
      connection.above = this.#bottom;
      this.#bottom.below = connection;
      this.#bottom = connection;
    } else {
      connection.below = this.#top;
      this.#top!.above = connection;
      this.#top = connection;
    }
  }

  #unstack(connection: C): void {
    const { below, above } = connection;
    if (below !== undefined) below.above = above;
    else this.#bottom = above as C | undefined;
    if (above !== undefined) above.below = below;
    else this.#top = below as C | undefined;
    connection.stacked = false;
    connection.below = undefined;
    connection.above = undefined;
  }
}
