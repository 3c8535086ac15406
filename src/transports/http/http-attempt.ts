import type { Carried } from '../../core/connections/wire.ts';
import type { NodeRequest, NodeSocket } from './node-http.ts';

/** One attempt at a request of node:http, as the wire that carries it sees it. */
export interface HttpAttempt extends Carried {
  readonly request: NodeRequest;
  /** How much unwritten data the caller lets its socket hold, if the caller has set that. */
  readonly highWaterMark: number | undefined;
  /** Whether it may be executed twice without harm. */
  readonly repeatable: boolean;
  /** Whether a byte of a response has come. */
  answering: boolean;
  /** Whether its last connection was idle, and ended just as it was sent. */
  readonly hasCrossed: boolean;
  /** Whether its response is complete. */
  readonly isAnswered: boolean;
  /** It is the first request on a TLS connection. */
  announceTls(): void;
  /** It gets a socket. */
  onSocket(socket: NodeSocket): void;
  /** A part of a response has come, and was parsed. */
  onRead(): void;
  /** Nothing has happened for as long as its timeout. */
  onTimeout(): void;
  /** Its socket no longer carries it. */
  onFree(socket: NodeSocket): void;
  /** Its socket now belongs to the caller. */
  onUpgraded(socket: NodeSocket): void;
  /** Its connection was gone before it got the socket. */
  onUnsent(error: Error | undefined): void;
  /** Its caller has ended it before it got the socket. */
  onGivenUp(): void;
  /** Its socket ends. Returns whether it goes to another one without noticing. The socket's close follows. */
  mayLeave(error: Error | undefined): boolean;
  /**
   * Its socket has closed.
   *
   * @param ended whether its peer has ended it
   * @param pass calls the listeners of the socket
   */
  onClose(socket: NodeSocket, error: Error | undefined, ended: boolean, pass: () => void): void;
}
