import type { RetireReason } from './retire-reason.ts';

/** One attempt at a call, as what carries it sees it. The rest is between a transport and what it made. */
export interface Carried {
  /** It asks for a socket of its own, or for an event stream: it may last. */
  readonly lasting: boolean;
}

/** What a wire tells its connection. */
export interface WireEvents {
  /** It takes no more attempts, for that reason. */
  retire(reason: RetireReason): void;
  /** It can't go on: it is to be destroyed, and what it carries fails with the error. */
  destroy(error: Error): void;
  /** It has room for fewer or more attempts than it said, of itself: `freed`, if it had none before. */
  onRoomChanged(freed: boolean): void;
  /** It is no more. */
  onClosed(): void;
}

/**
 * How bytes go to an endpoint and back. How old it may become, and what comes to it, is its connection's affair. It
 * is connected, and ready for a first attempt, TLS and all.
 */
export interface Wire {
  /** Whether it carries many attempts at a time: HTTP/2. */
  readonly multiplexed: boolean;
  /** Whether it takes no more attempts for now, though its connection may: a peer's limit on streams. */
  readonly full: boolean;
  /** Whether its peer hasn't said yet how many attempts it takes. */
  readonly opening: boolean;
  /** Whether its socket is gone. */
  readonly broken: boolean;
  /** Whether it waits for its first attempt. */
  readonly parked: boolean;
  /** Bytes that have ever come. */
  readonly bytesRead: number;
  /** What the kernel knows it by, unless it is made of something else than a socket of the kernel's. */
  readonly ports: string | undefined;
  /** What it carries, where that may be many; but for upgraded sockets. */
  readonly carried: Iterable<Carried>;
  /** Whom to tell, from now on. */
  open(events: WireEvents): void;
  /** Waits for a first attempt, and notices if it dies meanwhile. False if there was one. */
  park(): boolean;
  send(attempt: Carried): void;
  /**
   * The same when the event loop has had a chance to find that it is closed.
   *
   * @param delay milliseconds to wait at least, if it was used before
   */
  sendNextTurn(attempt: Carried, delay: number): void;
  /** An attempt has ended. */
  release(attempt: Carried): void;
  /** An attempt has become a stream that lasts. */
  keep(attempt: Carried): void;
  /** Has the kernel ask the peer's whether it is there, soon or as seldom as usual. */
  askKernel(urgent: boolean): void;
  /** Its socket is gone, though its transport doesn't know: says so, as it would have. */
  lose(): void;
  /** Ends it, as it carries nothing; more than once does no harm. */
  close(): void;
  /** Ends it, with all that it carries. */
  destroy(error: Error): void;
  /** Ends what it carries, but for what lasts. */
  cut(error: Error): void;
}
