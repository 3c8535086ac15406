import type { RetireReason } from './retire-reason.ts';

/** One attempt, as the wire that carries it sees it. A transport knows more about its own attempts. */
export interface Carried {
  /** Whether it asks for a socket of its own or an event stream, so that it may last. */
  readonly lasting: boolean;
}

/** What a wire tells its connection. */
export interface WireEvents {
  /** It takes no more attempts, for this reason. */
  retire(reason: RetireReason): void;
  /** It can't go on. The connection destroys it, and what it carries fails with the error. */
  destroy(error: Error): void;
  /** Its room has changed without an attempt. `freed`: it had none before. */
  onRoomChanged(freed: boolean): void;
  /** It has closed. */
  onClosed(): void;
}

/**
 * Carries bytes to an endpoint and back. Its connection decides how old it may become, and what it carries. A wire is
 * connected, and ready for its first attempt: TCP, TLS and all.
 */
export interface Wire {
  /** Whether it carries many attempts at a time (HTTP/2). */
  readonly multiplexed: boolean;
  /** Whether it takes no more attempts at present, because of its peer's limit on streams. */
  readonly full: boolean;
  /** Whether its peer has not said yet how many attempts it takes. */
  readonly opening: boolean;
  /** Whether its socket is gone. */
  readonly broken: boolean;
  /** Whether it waits for its first attempt. */
  readonly parked: boolean;
  /** How many bytes have come, since the start. */
  readonly bytesRead: number;
  /** Its key in the kernel's table; `undefined` if it is no socket of the kernel. */
  readonly ports: string | undefined;
  /** What it carries, if it carries many attempts; without upgraded sockets. */
  readonly carried: Iterable<Carried>;
  /** From now on, it tells `events`. */
  open(events: WireEvents): void;
  /** Waits for a first attempt, and notices if its socket dies meanwhile. Returns false if it has had an attempt. */
  park(): boolean;
  send(attempt: Carried): void;
  /**
   * Sends an attempt in the next turn of the event loop. Until then, Node may find that the socket has closed.
   *
   * @param delay at least this many milliseconds later, if the wire was used before
   */
  sendNextTurn(attempt: Carried, delay: number): void;
  /** An attempt has ended. */
  release(attempt: Carried): void;
  /** An attempt has become a stream that lasts. */
  keep(attempt: Carried): void;
  /** Lets the kernel ask the peer's kernel whether it is there: soon if `urgent`, or else as seldom as usual. */
  askKernel(urgent: boolean): void;
  /** Its socket is gone, but its transport doesn't know. Behaves as if the transport had reported the reset. */
  lose(): void;
  /** Ends it when it carries nothing. Calling it again has no effect. */
  close(): void;
  /** Ends it, with all that it carries. */
  destroy(error: Error): void;
  /** Ends what it carries, except lasting streams. */
  cut(error: Error): void;
}
