import type { AsyncResource } from 'node:async_hooks';
import type { Connection, Pod } from '../connections/connection.ts';
import type { Carried } from '../connections/wire.ts';
import type { History } from './history.ts';

/**
 * One try of a call, on one connection of one endpoint. The attempt is the unit for what is in flight, how long it
 * takes, and how it ends.
 */
export interface Attempt extends Carried {
  endpoint: Pod | undefined;
  connection: Connection | undefined;
  /** When it was sent, on the clock; -1 if the policy doesn't observe latencies. */
  sentAt: number;
  /** The status of the response; 0 while there is none. */
  statusCode: number;
  /** Whether it counts among the lasting calls of its endpoint (upgrades and event streams). */
  seated: boolean;
  /** Whether its response is an event stream. */
  streaming: boolean;
  /** The call that this attempt belongs to. */
  readonly call: Call;
}

/**
 * What a caller asked for. A call has one attempt at a time, and is that attempt itself: so there is one object for
 * each request. A second attempt at the same time would need an object of its own.
 */
export abstract class Call implements Attempt {
  endpoint: Pod | undefined = undefined;
  connection: Connection | undefined = undefined;
  sentAt = -1;
  statusCode = 0;
  seated = false;
  streaming = false;
  /** The hash of the key that binds the call to an endpoint; -1 for none. */
  keyHash = -1;
  /**
   * When its service took it, and how long it waited before it was last sent. Both in ticks, which are small integers
   * and allocate nothing.
   */
  takenAt = 0;
  waited = 0;
  /** The async context of its caller. It is set when the call waits, or when a listener may want to know of a retry. */
  context: AsyncResource | undefined = undefined;
  /** What was tried so far. Set when the first try has failed. */
  history: History | undefined = undefined;
  /** Why the caller has ended the call; null while the caller has not. */
  reason: Error | null = null;

  /** Whether it asks for a socket of its own, or for an event stream. evenkeel counts these apart from requests. */
  abstract readonly lasting: boolean;
  /** Whether it asks for a socket of its own. */
  abstract get upgrades(): boolean;
  /** Whether it may be sent twice: its method allows that, and its body can be sent again. */
  abstract get repeatable(): boolean;
  abstract get method(): string;
  /** For people: its method, and its path without the query, which may hold secrets. */
  abstract describe(): { method: string; path: string };

  /** Whether all of it has been handed over, so that it waits for nobody but its endpoint. */
  get isHandedOver(): boolean {
    return true;
  }

  get call(): this {
    return this;
  }

  /** Checks the call as its transport would. @throws what the transport would throw */
  abstract check(): void;
  /** Tells the caller that the call has begun, although it waits. From now on the caller can abort it. */
  abstract begin(): void;
  /** The call begins to wait. No wire has it yet. */
  abstract startWaiting(): void;
  /** The call no longer waits. */
  abstract stopWaiting(): void;
  /** Ends the call with an error, while no wire has it. */
  abstract fail(error: Error): void;
}

/** How many ticks have passed since a call was sent. */
export function durationOf({ takenAt, waited }: Call, now: number): number {
  return (now - takenAt - waited) | 0;
}
