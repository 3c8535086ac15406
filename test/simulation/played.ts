import type { History } from '../../src/core/calls/history.ts';
import type { Connection, Pod } from '../../src/core/connections/connection.ts';
import type { Wire } from '../../src/core/connections/wire.ts';
import type { Due } from './agenda.ts';
import type { SimulatedPod } from './pod.ts';

// Calls and connections as pods and invariants know them. There are two kinds of each: of the simulation's own
// transport, and requests of node:http on sockets in memory (http/).

export type Headers = Readonly<Record<string, string>>;

export const NO_HEADERS: Headers = {};

/** What a pod will say to an attempt, as long as nothing comes between. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Microseconds from the head to the end. */
  readonly lasts: number;
}

/** A call of a load. */
export interface PlayedCall {
  readonly id: number;
  readonly repeatable: boolean;
  readonly lasting: boolean;
  readonly upgrades: boolean;
  /** When it was taken, in microseconds. */
  readonly beganAt: number;
  /** Times that it was written to a wire, and that a pod did what it asks for. */
  sent: number;
  executed: number;
  /** Times that it was written, and a peer said that it has not looked at it. */
  readonly unlooked: number;
  /** Of these, times that the peer had said meanwhile that it takes no more. */
  readonly givenBack: number;
  /** Times that its connection had closed before it was written. */
  readonly unsent: number;
  /** Times that it was sent again, of those that count as retries. */
  retried: number;
  /** Times that it was sent again because its connection, idle before, ended just as it was sent. */
  readonly crossed: number;
  /** It has failed with that. */
  readonly failedCrossing: boolean;
  /** Times that it ended: once, unless something is wrong. */
  readonly settled: number;
  readonly error: Error | undefined;
  /** It waits in its service. */
  readonly waiting: boolean;
  /** It has become a socket, which is open. */
  readonly socketOpen: boolean;
  /** Why its caller has ended it; null: its caller has not. */
  readonly reason: Error | null;
  /** What is to come of its attempt. */
  due: Due | undefined;
  // As the core has it.
  readonly endpoint: Pod | undefined;
  readonly connection: Connection | undefined;
  readonly history: History | undefined;
  readonly keyHash: number;
  readonly seated: boolean;
  readonly streaming: boolean;
  readonly statusCode: number;
  describe(): { method: string; path: string };
}

/** A connection, from the end of its pod. */
export interface PlayedWire {
  readonly id: number;
  readonly multiplexed: boolean;
  readonly pod: SimulatedPod;
  /** When it was made, in microseconds, and the calls that it was given. */
  readonly bornAt: number;
  readonly sent: number;
  readonly opening: boolean;
  /** Node knows that its socket is gone. */
  readonly broken: boolean;
  /** It was closed, or destroyed, on this side. */
  readonly closed: boolean;
  /** Its pod has closed it. */
  readonly peerClosed: boolean;
  /** It was reset, and Node doesn't know. */
  readonly lost: boolean;
  /** Since when something that was sent is not acknowledged, in microseconds; -1: all is. */
  unackedSince: number;
  /** What its kernel says of what was sent; `undefined`: nothing, for it knows nothing of it. */
  readonly isUnacknowledged: boolean | undefined;
  readonly ports: string;
  /** Calls that were sent and have not come to the pod. */
  readonly undelivered: ReadonlySet<PlayedCall>;
  readonly carriedCalls: ReadonlySet<PlayedCall>;
  /** Its pod has said that it takes no more on it. */
  readonly hasGoneAway: boolean;
  /** The pod is to be reached again: what was sent over and over comes. */
  redeliver(): void;
  /** The head of a response comes, so many microseconds from now. */
  answer(call: PlayedCall, reply: Reply, after: number): void;
  refuse(call: PlayedCall, after: number): void;
  resetStream(call: PlayedCall, after: number): void;
  /** The pod closes it, or resets it: that comes here so many microseconds from now. */
  breakFromPeer(after: number): void;
  hearEnd(after: number): void;
  /** The pod takes no more on it, and gives back what has not come to it yet, and a call that it does not look at. */
  goAwayFromPeer(after: number, call?: PlayedCall): void;
  /** Its socket is reset, and Node doesn't hear of it. */
  loseFromPeer(): void;
  giveUp(): void;
  /** Nothing that the pod has yet to say comes, for now. Says what is left of it, in microseconds, for each call. */
  holdBack(): Iterable<readonly [call: PlayedCall, what: number, left: number]>;
  /** What was held back comes after all. */
  resume(call: PlayedCall, what: number, left: number): void;
}

/** The wire of a connection, as pods know it. */
export type WireOf = (wire: Wire) => PlayedWire;

export function codeOf(error: Error & { code?: string }): string {
  return error.code ?? error.name;
}
