import { channels } from '../base/channels.ts';
import { queueMicrotask } from '../base/clock.ts';
import type { ConnectionEvents } from './connection-events.ts';
import { tellOf } from './connection-telling.ts';
import { Draining } from './draining.ts';
import type { Pooled } from './endpoint-connections.ts';
import type { IdleLife, Repeatable } from './idle-life.ts';
import { Idling } from './idling.ts';
import { Lifetime } from './lifetime.ts';
import type { PooledEndpoint } from './pooled-endpoint.ts';
import type { RetireReason } from './retire-reason.ts';
import type { ConnectionOptions } from './settings.ts';
import type { Carried, Wire, WireEvents } from './wire.ts';

/** A connection counts as needed if it was used within this part of its age, and of the time that idle ones last. */
const LATELY = 0.25;
const LATELY_IDLE = 0.5;

/** An endpoint, as this folder knows it. */
export type Pod = PooledEndpoint<Connection>;

/** The life of one wire: how old it is, how often it was used, what it carries, and when it ends. */
export class Connection implements Pooled, WireEvents {
  // What each request needs comes first, side by side in memory: with many connections, each line of memory that a
  // request looks at is one that the processor's caches have lost. Numbers are whole ones, for others lie elsewhere.
  readonly wire: Wire;
  readonly multiplexed: boolean;
  retired: RetireReason | undefined = undefined;
  endpoint: Pod;
  /** It takes nothing for a moment, because its peer may be about to end it. */
  #settling = false;
  /** When it has reached its age, on the clock, in whole milliseconds. Its timer may be late. */
  #endsAt = 0;
  /** When a request last came, or when it was made for a request, in whole milliseconds. */
  #neededAt = 0;
  /** After how many requests it retires; 0: never. */
  readonly #maxRequests: number;
  stacked = false;
  below: Pooled | undefined = undefined;
  above: Pooled | undefined = undefined;
  /** How many requests it carries now, without lasting ones. */
  inFlight = 0;
  /** How many event streams and upgraded HTTP/2 streams it carries now. */
  lasting = 0;
  /** How many requests it has carried, with the present ones. */
  requests = 0;
  /** Whether its responses have said all that evenkeel wants to know about the endpoint. */
  told = false;
  aging = false;
  /** Whether its successor was made. */
  #renewed = false;
  /** The name of its pod, as its responses say; `null`: they say none; `undefined`: there was no response yet. */
  podName: string | null | undefined = undefined;
  destroyedBy: Error | undefined = undefined;
  readonly #events: ConnectionEvents<Connection>;
  readonly #options: ConnectionOptions;
  readonly #lifetime: Lifetime;
  readonly idling: Idling;
  readonly #draining: Draining;

  constructor(wire: Wire, endpoint: Pod, events: ConnectionEvents<Connection>, options: ConnectionOptions) {
    this.wire = wire;
    this.multiplexed = wire.multiplexed;
    this.endpoint = endpoint;
    this.#events = events;
    this.#options = options;
    const { clock, maxDuration, maxRequests, drainTimeout } = options;
    this.#maxRequests = maxRequests;
    this.idling = new Idling(clock);
    this.#draining = new Draining(clock, drainTimeout);
    const onNear = () => this.#startAging();
    this.#lifetime = new Lifetime(clock, maxDuration, onNear, () => this.#expire());
    this.#endsAt = this.#lifetime.endsAt;
    this.#neededAt = Math.floor(this.#lifetime.bornAt);
    wire.open(this);
    tellOf(this, channels.connectionOpen);
  }

  get room(): boolean {
    if (this.retired !== undefined || this.#settling) return false;
    return this.multiplexed ? !this.wire.full : !this.busy;
  }

  get opening(): boolean {
    return this.retired === undefined && this.wire.opening;
  }

  get parked(): boolean {
    return this.wire.parked;
  }

  /** In milliseconds. */
  get age(): number {
    return this.#options.clock.now() - this.#lifetime.bornAt;
  }

  /** Whether it carries anything. */
  get busy(): boolean {
    return this.inFlight + this.lasting > 0;
  }

  /** Whether it may take a request now. If not, it retires or rests: its timer may be late, or its socket dead unnoticed. */
  check(now: number, request?: Repeatable): boolean {
    if (this.retired !== undefined) return false;
    const life = this.endpoint.idleLife;
    this.#neededAt = Math.floor(now);
    if (now >= this.#endsAt) this.#expire();
    else if (this.wire.broken) this.retire('closed-by-peer');
    else if (life !== undefined && this.idling.isNearEnd(now, life, request)) this.#rest(now, life);
    return this.retired === undefined && !this.#settling;
  }

  /** Its peer may be about to end it: another one is to be made, if one can be. */
  #rest(now: number, idleLife: IdleLife): void {
    if (!this.#events.mayReplace(this.endpoint)) return;
    if (this.endpoint.takesDials) {
      this.#settling = true;
      this.idling.rest(now, idleLife, () => this.#onSettled());
      this.endpoint.restack(this);
    } else {
      idleLife.onClosed();
      this.retire('idle');
    }
  }

  /** Whether it was used so lately that it will probably be used again before it closes. */
  get used(): boolean {
    return this.requests > 0 && this.#neededWithin(Number.POSITIVE_INFINITY);
  }

  /** Whether recent traffic needed it: a request used it, or it was made for one. */
  get needed(): boolean {
    return this.#neededWithin(this.#options.maxDuration * LATELY || Number.POSITIVE_INFINITY);
  }

  /** @param most milliseconds; less if idle connections don't last that long */
  #neededWithin(most: number): boolean {
    if (this.retired !== undefined) return false;
    // When it was made, evenkeel may not have known yet how long the endpoint keeps idle connections.
    const idle = Math.max(this.endpoint.keepAlive ?? 0, this.#options.idleTimeout);
    const unneeded = this.#options.clock.now() - this.#neededAt;
    return this.inFlight > 0 || unneeded < Math.min(most, idle * LATELY_IDLE);
  }

  /** Waits for its first request. If none comes, it closes as a used connection would; sooner if it is left over. */
  park(): void {
    if (this.retired !== undefined || !this.wire.park()) return;
    this.idling.wait(this.#options.idleTimeout, this, () => this.retire('idle'));
  }

  /** Takes nothing for a moment after its response, because its peer may be ending it. */
  settle(milliseconds: number): void {
    if (this.retired !== undefined) return;
    this.#settling = true;
    this.idling.pause(milliseconds, () => this.#onSettled());
  }

  #onSettled(): void {
    this.#settling = false;
    this.endpoint.idleLife?.haste.onOutlived();
    this.onRoomChanged(true);
  }

  tell(told: boolean): void {
    this.told = told;
  }

  /** Moves it to another endpoint. The caller moves what it carries. */
  hand(other: Pod): void {
    const before = this.endpoint;
    this.endpoint = other;
    this.idling.forget();
    before.hand(this, other);
  }

  /** Takes a request, which is sent next. It counts for `maxRequests` from now on, not when it ends. */
  reserve(): void {
    this.inFlight++;
    this.requests++;
    if (this.aging && !this.#renewed) this.#renew(this.endpoint.willBeBare);
    if (this.#maxRequests === 0) return;
    // Early, because with HTTP/2 many requests come at once, and the limit is reached soon.
    if (this.requests === Math.ceil(this.#maxRequests / 2)) this.#startAging();
    if (this.requests === this.#maxRequests) this.retire('max-requests');
  }

  /** The request was refused before anything was sent. It doesn't count. */
  takeOff(): void {
    this.requests--;
  }

  /** A request it carried has ended. */
  release(attempt: Carried): void {
    this.inFlight--;
    if (this.multiplexed) this.wire.release(attempt);
    // To read the clock costs as much as all the rest, so the time is measured only if idle connections end.
    else if (this.endpoint.idleLife !== undefined) this.idling.begin();
    this.#closeIfDrained();
  }

  /** A request has become a stream, or a socket that now belongs to the caller. */
  upgrade(attempt: Carried): void {
    if (this.multiplexed) {
      this.stream(attempt);
      return;
    }
    this.inFlight--;
    this.retire('upgrade');
    this.#closeIfDrained();
  }

  /** A request has become a stream that lasts. The connection can't close before it ends. */
  stream(attempt: Carried): void {
    this.inFlight--;
    this.wire.keep(attempt);
    this.lasting++;
  }

  /** Counts a stream as a request again, just before it ends. */
  takeBack(): void {
    this.lasting--;
    this.inFlight++;
  }

  upgradeEnded(): void {
    if (!this.multiplexed) return;
    this.lasting--;
    this.#closeIfDrained();
  }

  /** It has reached its age: it retires, or looks again a moment later. */
  #expire(): void {
    if (this.endpoint.isDraining || !this.#events.outlivesAge(this.endpoint)) this.retire('max-duration');
    else this.#endsAt = this.#lifetime.extend();
  }

  #startAging(): void {
    if (this.aging || this.retired !== undefined) return;
    this.aging = true;
    this.#renew(this.endpoint.onAging());
  }

  #renew(isNeeded: boolean): void {
    this.#renewed = isNeeded;
    if (isNeeded) this.#events.onAging(this.endpoint);
  }

  /** Takes no more requests. Closes when it carries nothing any more: at once if it is idle. */
  retire(reason: RetireReason): void {
    if (this.retired !== undefined) return;
    this.retired = reason;
    // If it carries something, the end may be about that, or come from this side.
    if (reason === 'closed-by-peer' && !this.multiplexed && !this.busy && this.requests > 0) {
      this.endpoint.onIdleEnd(this.idling.duration, this.requests);
    }
    this.#lifetime.stop();
    this.idling.stop();
    tellOf(this, channels.connectionRetire, reason);
    this.endpoint.retire(this);
    this.#events.onRetired(this);
    if (this.busy) this.#draining.begin((error) => this.#endRequests(error));
    this.#closeIfDrained();
  }

  /** Ends it now, with all that it carries. */
  destroy(error: Error): void {
    this.destroyedBy ??= error;
    this.retire('error');
    this.wire.destroy(error);
  }

  /** Ends it with what it carries. If a stream or upgraded socket is among that, ends only the rest. */
  #endRequests(error: Error): void {
    if (this.lasting === 0) this.destroy(error);
    else this.wire.cut(error);
  }

  #closeIfDrained(): void {
    if (this.retired !== undefined && !this.busy) this.#closeSoon();
  }

  #closeSoon(): void {
    // In a microtask, because the end of an attempt may be reported before its wire has settled.
    queueMicrotask(() => {
      if (!this.busy) this.wire.close();
    });
  }

  onRoomChanged(freed: boolean): void {
    this.endpoint.restack(this);
    if (freed) this.endpoint.board.wake();
  }

  onClosed(): void {
    this.#draining.stop();
    tellOf(this, channels.connectionClose, this.retired);
    this.endpoint.forget(this);
    this.#events.onClosed(this);
  }
}
