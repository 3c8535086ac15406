import type { AsyncResource } from 'node:async_hooks';
import type { Connection, Pod } from '../connections/connection.ts';
import type { Carried } from '../connections/wire.ts';
import type { History } from './history.ts';

/**
 * One try of a call, on one connection of one endpoint. What is in flight, how long it takes and how it ends is counted by
 * attempts.
 */
export interface Attempt extends Carried {
  endpoint: Pod | undefined;
  connection: Connection | undefined;
  /** When it was sent, on the clock; -1 when nobody wants to know how long it takes. */
  sentAt: number;
  /** Of the response; 0 while there is none. */
  statusCode: number;
  /** Counted among the lasting ones of its endpoint. */
  seated: boolean;
  /** Its response is an event stream. */
  streaming: boolean;
  /** What it is a try of. */
  readonly call: Call;
}

/**
 * What a caller asked for. It has one attempt at a time, for which it stands itself, so that there is one object for each
 * request; a further one at the same time would be an object of its own.
 */
export abstract class Call implements Attempt {
  endpoint: Pod | undefined = undefined;
  connection: Connection | undefined = undefined;
  sentAt = -1;
  statusCode = 0;
  seated = false;
  streaming = false;
  /** The hash of the key that binds it to an endpoint; -1 for none. */
  keyHash = -1;
  /**
   * When its service took it, on the clock, and how long it waited until it was sent the last time. In ticks, for which no
   * memory is taken.
   */
  takenAt = 0;
  waited = 0;
  /** The async context of its caller, once it waits, or if somebody may want to know when it is sent again. */
  context: AsyncResource | undefined = undefined;
  /** What has been tried, if it didn't go well at once. */
  history: History | undefined = undefined;
  /** Why the caller has ended it, if so. */
  reason: Error | null = null;

  /** Asks for a socket of its own, or for an event stream, which are counted apart from requests. */
  abstract readonly lasting: boolean;
  /** Asks for a socket of its own. */
  abstract get upgrades(): boolean;
  /** Whether it does no harm if a server gets it twice, and whether it can be sent twice at all. */
  abstract get repeatable(): boolean;
  abstract get method(): string;
  /** For people: its method, and its path without what may be nobody else's to see. */
  abstract describe(): { method: string; path: string };

  get call(): this {
    return this;
  }

  /** Finds fault with it, if a transport would. @throws what that one would */
  abstract check(): void;
  /** Tells the caller that it has begun, though it waits: from here on it can be aborted. */
  abstract begin(): void;
  /** It waits, and nobody sends it yet. */
  abstract startWaiting(): void;
  /** It waits no more. */
  abstract stopWaiting(): void;
  /** Ends it with an error while no wire has it. */
  abstract fail(error: Error): void;
}

/** The ticks since a call was sent. */
export function durationOf({ takenAt, waited }: Call, now: number): number {
  return (now - takenAt - waited) | 0;
}
