import { IdleLife } from './idle-life.ts';

/** A connection, as its endpoint sees it. */
export interface Pooled {
  /** Neighbours in the stack of those with room. */
  below: Pooled | undefined;
  above: Pooled | undefined;
  stacked: boolean;
  /** Whether it carries many requests at a time. */
  readonly multiplexed: boolean;
  /** Whether one more request can be sent now. */
  readonly room: boolean;
  /** Whether it will soon have room for many. */
  readonly opening: boolean;
  /** Its end is near. */
  readonly aging: boolean;
  /** Whether it waits for a first request. */
  readonly parked: boolean;
  /** Whether the traffic of the last moments has needed it, or has used it. */
  readonly needed: boolean;
  readonly used: boolean;
  /** Requests it has carried. */
  readonly requests: number;
  /** Why it takes no more requests. */
  readonly retired: string | undefined;
  /** Whether it may take a request at this moment. One that may not is retired. */
  check(now: number): boolean;
  /** Takes on a request, which is sent next. */
  reserve(): void;
}

/** After so many connections that were closed unused, one is made for every 256 that would be. */
const MOST_WASTED = 8;

/** The connections of one endpoint that has, or has had, any. */
export class EndpointConnections<C extends Pooled> {
  /** Those that drain included. */
  readonly all = new Set<C>();
  /** Those that take requests. */
  connected = 0;
  /** Those of them that will reach their age soon. */
  aging = 0;
  /** One that will soon have room for many, so that no other need be made. */
  opening: C | undefined = undefined;
  /** Whether each of them carries many requests. */
  multiplexed = false;
  /** Those ever made, and those that were retired. */
  opened = 0;
  retirements = 0;
  /** Milliseconds for which idle ones last, as far as the endpoint has said so. */
  keepAlive: number | undefined = undefined;
  /** Whether that is so short that nothing is gained by one that waits for the next request. */
  fleeting = false;
  /** When a request was sent, on the clock, that is known to have been answered; -Infinity if they were closed since. */
  heardAt = Number.NEGATIVE_INFINITY;
  /** How long idle ones last, as far as their ends show: where none has ended, nobody need look. */
  idleLife: IdleLife | undefined = undefined;
  /** Top of the stack of those with room: what was used last is used first, and what never was, last. */
  #top: C | undefined = undefined;
  #bottom: C | undefined = undefined;
  /** How often those made ahead of requests were closed unused, less how often they were used. */
  #wasted = 0;
  /** How often none is made that would be, for that. */
  #passes = 0;

  get hasRoom(): boolean {
    return this.#top !== undefined;
  }

  /** Whether one may take a request now. Those found dead or past their age on the way are retired. */
  isReady(now: number): boolean {
    for (let top = this.#top; top !== undefined; top = this.#top) {
      if (top.check(now)) return true;
    }
    return false;
  }

  /** The one that has the next request; there is room. */
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

  /** One takes requests no more. */
  lose(connection: C): void {
    this.connected--;
    if (connection.aging) this.aging--;
  }

  /** One takes requests no more, and not because it was given away. */
  retire(connection: C): void {
    this.lose(connection);
    this.retirements++;
    if (connection.retired !== 'closed-by-peer') return;
    // The endpoint may have ended.
    if (this.connected === 0) this.heardAt = Number.NEGATIVE_INFINITY;
    if (connection.requests === 0) this.#onWasted();
  }

  /** The endpoint has ended an idle one: after so many milliseconds, if they were counted. */
  onIdleEnd(idle: number | undefined): void {
    this.idleLife ??= new IdleLife();
    if (idle !== undefined) this.idleLife.onEnd(idle);
  }

  /** Gives one away. */
  release(connection: C): void {
    if (connection.stacked) this.#unstack(connection);
    this.all.delete(connection);
    this.lose(connection);
    if (this.opening === connection) this.opening = undefined;
  }

  /** Puts one where it belongs after anything about it has changed. */
  restack(connection: C, inTurn: boolean): void {
    if (connection.room) {
      if (!connection.stacked) this.#push(connection, inTurn || connection.requests === 0);
    } else if (connection.stacked) {
      this.#unstack(connection);
    }
    if (this.opening?.opening === false) this.opening = undefined;
  }

  /** Those that there will be when those have gone that age; `dialing` are being made. */
  staying(dialing: number): number {
    return this.connected - this.aging + dialing;
  }

  /**
   * Whether fewer will be left than the last moments' traffic needed. What was used last is used first, so that those that
   * a burst has left behind are not used, and need no successors.
   */
  isShort(dialing: number): boolean {
    const staying = this.staying(dialing);
    let needed = 0;
    for (const connection of this.all) {
      if ((staying === 0 ? connection.used : connection.needed) && ++needed > staying) return true;
    }
    return false;
  }

  /** Whether none is made ahead of requests this time: of the last ones, too many were closed unused. */
  passesOver(): boolean {
    if (this.#passes === 0) return false;
    this.#passes--;
    return true;
  }

  /** One was closed that was never used. Those that were made at the same time tell nothing new. */
  #onWasted(): void {
    if (this.#passes > 0) return;
    this.#wasted = Math.min(this.#wasted + 1, MOST_WASTED);
    this.#passes = 2 ** this.#wasted;
  }

  /** One that has room was given a request: the others are next, where they are used in turn. */
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
