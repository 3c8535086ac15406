import type { Carried } from '../../core/connections/wire.ts';
import type { NodeRequest, NodeSocket } from './node-http.ts';

/** One attempt at a request of node:http, as the wire sees it that carries it. */
export interface HttpAttempt extends Carried {
  readonly request: NodeRequest;
  /** How much its caller lets its socket hold that is not written yet; if it says so. */
  readonly highWaterMark: number | undefined;
  /** It does no harm when it is executed twice. */
  readonly repeatable: boolean;
  /** A byte of a response has come. */
  answering: boolean;
  /** Its last connection, idle before, has ended just as it was sent. */
  readonly hasCrossed: boolean;
  /** Whether its response has come, to the end. */
  readonly isAnswered: boolean;
  /** It is the first on a connection with TLS. */
  announceTls(): void;
  /** It has a socket. */
  onSocket(socket: NodeSocket): void;
  /** Something of a response has come, and was taken in. */
  onRead(): void;
  /** Nothing has happened for the time that it has set. */
  onTimeout(): void;
  /** Its socket is free of it. */
  onFree(socket: NodeSocket): void;
  /** Its socket has become its caller's. */
  onUpgraded(socket: NodeSocket): void;
  /** Its connection turned out to be gone before it had the socket. */
  onUnsent(error: Error | undefined): void;
  /** Its caller has ended it before it had the socket. */
  onGivenUp(): void;
  /** Whether it may go elsewhere now that its socket ends, and hear nothing of that. The socket's close follows. */
  mayLeave(error: Error | undefined): boolean;
  /**
   * Its socket has closed.
   *
   * @param ended its peer has ended it
   * @param pass tells those who listen to the socket
   */
  onClose(socket: NodeSocket, error: Error | undefined, ended: boolean, pass: () => void): void;
}
