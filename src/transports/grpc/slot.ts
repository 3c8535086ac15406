import type { Channel } from 'node:diagnostics_channel';
import { channels } from '../../core/base/channels.ts';
import type { Clock } from '../../core/base/clock.ts';
import { Lifetime } from '../../core/connections/lifetime.ts';
import type { RetireReason } from '../../core/connections/retire-reason.ts';
import type { Endpoint } from '../../core/endpoints/endpoint.ts';

/**
 * Numbers all slots of the process. grpc-js keeps the connection of a slot for a while, and must not use it for another
 * slot.
 */
let slots = 0;

/**
 * A place for a connection to an endpoint. Channels with the same credentials and options share the connection, which
 * grpc-js finds by the slot's key. Other channels have their own.
 *
 * `dialled`: no channel has it connected. The next state comes when one has, or can't. `connected`: in at least one
 * channel, until the last one has lost it. `down`: the last dial failed, until the next one.
 */
export class Slot<E extends Endpoint> {
  readonly endpoint: E;
  readonly key: string;
  state: 'dialled' | 'connected' | 'down' = 'dialled';
  /** How many calls it carries, with lasting ones. */
  inFlight = 0;
  /** How many calls at a time the server takes. */
  limit = Number.POSITIVE_INFINITY;
  /** How many calls it has carried, with the present ones. */
  requests = 0;
  /** Whether another slot will take its place. */
  aging = false;
  retired: RetireReason | undefined = undefined;
  readonly #clock: Clock;
  /** In how many channels it is connected. */
  #users = 0;
  #lifetime: Lifetime | undefined = undefined;

  constructor(endpoint: E, clock: Clock) {
    this.endpoint = endpoint;
    this.key = `${endpoint.key}@${++slots}`;
    this.#clock = clock;
  }

  /** When it was connected, on the clock. If it isn't connected: now. */
  get bornAt(): number {
    return this.#lifetime?.bornAt ?? this.#clock.now();
  }

  /** All connections of grpc-js use HTTP/2. */
  get multiplexed(): true {
    return true;
  }

  get busy(): boolean {
    return this.inFlight > 0;
  }

  get hasRoom(): boolean {
    return this.inFlight < this.limit;
  }

  /** A channel has it connected. Returns whether that is the first one. */
  join(): boolean {
    this.state = 'connected';
    return ++this.#users === 1;
  }

  /** A channel no longer has it connected. Returns whether that was the last one. */
  leave(): boolean {
    if (--this.#users > 0) return false;
    this.state = 'dialled';
    return true;
  }

  /** It is connected, for at most `duration` milliseconds. `onAging`: the end comes soon, or is there. */
  open(duration: number, onAging: () => void): void {
    // What it carries at its end goes on, and its successor is there before.
    this.#lifetime = new Lifetime(this.#clock, duration, onAging, onAging);
    this.#publish(channels.connectionOpen);
  }

  /** It is no longer connected. */
  close(): void {
    this.#lifetime?.stop();
    this.#publish(channels.connectionClose, this.retired);
    this.#lifetime = undefined;
    this.requests = 0;
    this.limit = Number.POSITIVE_INFINITY;
  }

  /** It takes no more calls. */
  retire(reason: RetireReason): void {
    if (this.retired !== undefined) return;
    this.retired = reason;
    this.#publish(channels.connectionRetire, reason);
  }

  #publish(channel: Channel, reason?: RetireReason): void {
    if (!channel.hasSubscribers) return;
    const { origin, address } = this.endpoint;
    const age = this.#clock.now() - this.bornAt;
    channel.publish({ origin, address, reason, requests: this.requests, age, protocol: 'h2' });
  }
}
