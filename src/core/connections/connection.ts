import type { Channel } from 'node:diagnostics_channel';
import { channels } from '../base/channels.ts';
import { queueMicrotask, type Timer } from '../base/clock.ts';
import { DrainTimeoutError } from '../base/errors.ts';
import { Patience } from '../base/patience.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { Pooled } from './endpoint-connections.ts';
import { Idling } from './idling.ts';
import { Lifetime } from './lifetime.ts';
import type { PooledEndpoint } from './pooled-endpoint.ts';
import type { RetireReason } from './retire-reason.ts';
import type { ConnectionOptions } from './settings.ts';
import type { Carried, Wire, WireEvents } from './wire.ts';

/** The part of its age, and of the time for which idle ones last, within which a connection was needed lately. */
const LATELY = 0.25;
const LATELY_IDLE = 0.5;

/** An endpoint as all of this folder know it. */
export type Pod = PooledEndpoint<Connection>;

/** The life of one wire, from its dial to its end: how old it is, how often it was used, how much it carries. */
export class Connection implements Pooled, WireEvents {
  readonly wire: Wire;
  readonly multiplexed: boolean;
  below: Pooled | undefined = undefined;
  above: Pooled | undefined = undefined;
  stacked = false;
  /** Requests it carries now, lasting ones aside. */
  inFlight = 0;
  /** Event streams, and upgraded streams of HTTP/2, that it carries now. */
  lasting = 0;
  /** Requests it has carried, the present ones included. */
  requests = 0;
  retired: RetireReason | undefined = undefined;
  /** The name of the pod that it leads to, as its responses say; `null`: they say none; `undefined`: there was none yet. */
  podName: string | null | undefined = undefined;
  /** Its responses have said all that is to be known of the endpoint. */
  #told = false;
  #aging = false;
  #endpoint: Pod;
  #destroyedBy: Error | undefined = undefined;
  /** A successor was made ready when its end came near. */
  #renewed = false;
  readonly #events: ConnectionEvents<Connection>;
  readonly #options: ConnectionOptions;
  readonly #lifetime: Lifetime;
  readonly idling: Idling;
  #drainDeadline: Timer | undefined = undefined;
  /** When a request last came, or it was made for one. */
  #neededAt: number;

  constructor(wire: Wire, endpoint: Pod, events: ConnectionEvents<Connection>, options: ConnectionOptions) {
    this.wire = wire;
    this.multiplexed = wire.multiplexed;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#options = options;
    this.idling = new Idling(options.clock);
    this.#lifetime = new Lifetime(
      options.clock,
      options.maxDuration,
      () => this.#startAging(),
      () => this.#expire(),
    );
    this.#neededAt = this.#lifetime.bornAt;
    wire.open(this);
    this.#publish(channels.connectionOpen);
  }

  /** The endpoint it belongs to. */
  get endpoint(): Pod {
    return this.#endpoint;
  }

  get told(): boolean {
    return this.#told;
  }

  get aging(): boolean {
    return this.#aging;
  }

  get destroyedBy(): Error | undefined {
    return this.#destroyedBy;
  }

  get room(): boolean {
    if (this.retired !== undefined || this.idling.settling) return false;
    return this.multiplexed ? !this.wire.full : !this.busy;
  }

  get opening(): boolean {
    return this.retired === undefined && this.wire.opening;
  }

  get parked(): boolean {
    return this.wire.parked;
  }

  /** Whether it carries anything. */
  get busy(): boolean {
    return this.inFlight + this.lasting > 0;
  }

  /**
   * Whether the connection may take a request at this moment. One that may not is retired: the timer of
   * its age may be late, and its socket may have died without a word.
   */
  check(now: number): boolean {
    if (this.retired !== undefined) return false;
    this.#neededAt = now;
    if (this.#lifetime.isOver(now)) this.#expire();
    else if (this.wire.broken) this.retire('closed-by-peer');
    else if (this.idling.isNearEnd(now, this.#endpoint.idleLife)) this.retire('idle');
    return this.retired === undefined;
  }

  /** Whether it has been used so lately that it is likely to be used again while it lasts. */
  get used(): boolean {
    return this.requests > 0 && this.#neededWithin(Number.POSITIVE_INFINITY);
  }

  /** Whether the traffic of the last moments has needed it: has used it, or had it made. */
  get needed(): boolean {
    return this.#neededWithin(this.#options.maxDuration * LATELY || Number.POSITIVE_INFINITY);
  }

  /** @param most milliseconds; fewer where idle connections don't last that long */
  #neededWithin(most: number): boolean {
    if (this.retired !== undefined) return false;
    // When it was made, its endpoint may not have said yet how long it keeps idle ones.
    const idle = Math.max(this.#endpoint.keepAlive ?? 0, this.#options.idleTimeout);
    const unneeded = this.#options.clock.now() - this.#neededAt;
    return this.inFlight > 0 || unneeded < Math.min(most, idle * LATELY_IDLE);
  }

  /** Waits for a first request; with none, the connection closes in the end, as a used one would. */
  park(): void {
    if (this.retired !== undefined || !this.wire.park()) return;
    this.idling.wait(this.#options.idleTimeout, () => this.parked && this.retire('idle'));
  }

  /** It is about to be free, and takes nothing for a moment, in which its peer may end it. */
  settle(milliseconds: number): void {
    if (this.retired === undefined) this.idling.settle(milliseconds, () => this.onRoomChanged(true));
  }

  tell(told: boolean): void {
    this.#told = told;
  }

  /** Gives it to another endpoint. What it carries is to be passed on. */
  hand(other: Pod): void {
    const before = this.#endpoint;
    this.#endpoint = other;
    before.hand(this, other);
  }

  /** Takes on a request, which is sent next. The cap on requests is spent here, not when they end. */
  reserve(): void {
    this.inFlight++;
    this.requests++;
    if (this.#aging && !this.#renewed) this.#renew(this.#endpoint.willBeBare);
    const { maxRequests } = this.#options;
    if (maxRequests === 0) return;
    // Early: many come at once with HTTP/2, and a cap on requests is reached as fast as they come.
    if (this.requests === Math.ceil(maxRequests / 2)) this.#startAging();
    if (this.requests === maxRequests) this.retire('max-requests');
  }

  /** The request that was taken on was refused before anything was sent: it is none that the connection has carried. */
  takeOff(): void {
    this.requests--;
  }

  /** A request it carried has ended. */
  release(attempt: Carried): void {
    this.inFlight--;
    if (this.multiplexed) this.wire.release(attempt);
    else this.idling.begin(this.#endpoint.idleLife);
    this.#closeIfDrained();
  }

  /** A request it carried has become a socket, which is the caller's from now on, or a stream. */
  upgrade(attempt: Carried): void {
    if (this.multiplexed) {
      this.stream(attempt);
      return;
    }
    this.inFlight--;
    this.retire('upgrade');
    this.#closeIfDrained();
  }

  /** A request it carried has become a stream, which lasts. It must end before the connection is closed. */
  stream(attempt: Carried): void {
    this.inFlight--;
    this.wire.keep(attempt);
    this.lasting++;
  }

  /** A stream is a request again, which is about to end. */
  takeBack(): void {
    this.lasting--;
    this.inFlight++;
  }

  upgradeEnded(): void {
    if (!this.multiplexed) return;
    this.lasting--;
    this.#closeIfDrained();
  }

  /** Its age is reached: it retires, or is looked at again a moment later. */
  #expire(): void {
    if (this.#endpoint.isDraining || !this.#events.outlivesAge(this.#endpoint)) this.retire('max-duration');
    else this.#lifetime.extend();
  }

  #startAging(): void {
    if (this.#aging || this.retired !== undefined) return;
    this.#aging = true;
    this.#renew(this.#endpoint.onAging());
  }

  #renew(isNeeded: boolean): void {
    this.#renewed = isNeeded;
    if (isNeeded) this.#events.onAging(this.#endpoint);
  }

  /** Takes no more requests, and closes when the last one it carries has ended: at once if idle. */
  retire(reason: RetireReason): void {
    if (this.retired !== undefined) return;
    this.retired = reason;
    // What carries something may have been ended for that, or from this side.
    if (reason === 'closed-by-peer' && !this.multiplexed && !this.busy && this.requests > 0) {
      this.#endpoint.onIdleEnd(this.idling.duration);
    }
    this.#lifetime.stop();
    this.idling.stop();
    this.#publish(channels.connectionRetire, reason);
    this.#endpoint.retire(this);
    this.#events.onRetired(this);
    const { clock, drainTimeout } = this.#options;
    if (this.busy && drainTimeout > 0) {
      this.#drainDeadline = new Patience(
        clock,
        () => this.#endRequests(new DrainTimeoutError(drainTimeout)),
        drainTimeout,
      );
    }
    this.#closeIfDrained();
  }

  /** Ends it now, with all it carries. */
  destroy(error: Error): void {
    this.#destroyedBy ??= error;
    this.retire('error');
    this.wire.destroy(error);
  }

  /** Ends what it carries, and itself, unless it carries something that lasts. */
  #endRequests(error: Error): void {
    if (this.lasting === 0) this.destroy(error);
    else this.wire.cut(error);
  }

  #closeIfDrained(): void {
    if (this.retired === undefined || this.busy) return;
    // In a microtask: an attempt may be said to have ended before its wire has come to rest.
    queueMicrotask(() => {
      if (!this.busy) this.wire.close();
    });
  }

  onRoomChanged(freed: boolean): void {
    this.#endpoint.restack(this);
    if (freed) this.#endpoint.board.wake();
  }

  onClosed(): void {
    this.#drainDeadline?.cancel();
    this.#publish(channels.connectionClose, this.retired);
    this.#endpoint.forget(this);
    this.#events.onClosed(this);
  }

  #publish(channel: Channel, reason?: RetireReason): void {
    if (!channel.hasSubscribers) return;
    const { origin, address } = this.#endpoint;
    const age = this.#options.clock.now() - this.#lifetime.bornAt;
    const protocol = this.multiplexed ? 'h2' : 'h1';
    channel.publish({ origin, address, reason, requests: this.requests, age, protocol });
  }
}
