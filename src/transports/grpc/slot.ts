import type { Channel } from 'node:diagnostics_channel';
import { channels } from '../../core/base/channels.ts';
import type { Clock } from '../../core/base/clock.ts';
import { Lifetime } from '../../core/connections/lifetime.ts';
import type { RetireReason } from '../../core/connections/retire-reason.ts';
import type { Endpoint } from '../../core/endpoints/endpoint.ts';

/** Numbers slots in all of the process: grpc-js keeps what a slot had for a while, and is not to hand it out again. */
let slots = 0;

/**
 * A place for a connection to an endpoint. Channels with the same credentials and options share the connection in it, which
 * grpc-js finds by the slot's key; others have one of their own.
 *
 * `dialled`: no channel has it connected yet, or any more; left when one has, or can't.
 * `connected`: in one channel at least; left when the last one has lost it.
 * `down`: the last dial failed; left by the next one.
 */
export class Slot<E extends Endpoint> {
  readonly endpoint: E;
  readonly key: string;
  state: 'dialled' | 'connected' | 'down' = 'dialled';
  /** Calls that it carries, lasting ones included. */
  inFlight = 0;
  /** Calls at a time that the server takes. */
  limit = Number.POSITIVE_INFINITY;
  /** Calls that it has carried, the present ones included. */
  requests = 0;
  /** Another one is to take its place. */
  aging = false;
  retired: RetireReason | undefined = undefined;
  readonly #clock: Clock;
  /** Channels in which it is connected. */
  #users = 0;
  #lifetime: Lifetime | undefined = undefined;

  constructor(endpoint: E, clock: Clock) {
    this.endpoint = endpoint;
    this.key = `${endpoint.key}@${++slots}`;
    this.#clock = clock;
  }

  /** When it was connected, on the clock: a moment ago, if it is not. */
  get bornAt(): number {
    return this.#lifetime?.bornAt ?? this.#clock.now();
  }

  /** Every one of them is of HTTP/2. */
  get multiplexed(): true {
    return true;
  }

  get busy(): boolean {
    return this.inFlight > 0;
  }

  get hasRoom(): boolean {
    return this.inFlight < this.limit;
  }

  /** A channel has it connected. Whether it is the first one. */
  join(): boolean {
    this.state = 'connected';
    return ++this.#users === 1;
  }

  /** A channel has it connected no more. Whether it was the last one. */
  leave(): boolean {
    if (--this.#users > 0) return false;
    this.state = 'dialled';
    return true;
  }

  /** It is connected, and may be so for that long. `onAging`: its end comes near, or is there. */
  open(duration: number, onAging: () => void): void {
    // What it carries at its end goes on, and another one takes its place before.
    this.#lifetime = new Lifetime(this.#clock, duration, onAging, onAging);
    this.#publish(channels.connectionOpen);
  }

  /** It is connected no more. */
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
