import type { ClientHttp2Session, ClientSessionRequestOptions, OutgoingHttpHeaders } from 'node:http2';
import { Call } from '../../core/calls/call.ts';
import type { Runner } from '../grpc/running.ts';

/** What connect-node asks a session for. */
export interface ConnectRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly options: ClientSessionRequestOptions | undefined;
}

/** What a session is asked for: usually a stream. */
export abstract class SessionCall extends Call implements Runner<SessionCall> {
  /** When its stream was opened, on the clock; and its neighbours in the list of running calls. */
  since = 0;
  previous: SessionCall | undefined = undefined;
  next: SessionCall | undefined = undefined;
  readonly lasting = false;
  readonly upgrades = false;
  /** The caller has the stream. What the caller writes to it is lost with the stream. */
  readonly repeatable = false;

  check(): void {}

  begin(): void {}

  /**
   * Opens its stream, if it wants one.
   *
   * @throws what Node throws
   */
  abstract open(session: ClientHttp2Session): void;
  /** It can't have a stream. `isGone`: the session has ended, and another one may work. */
  abstract onUnopened(error: Error, isGone: boolean): void;
  /** The session ends what it carries. */
  abstract cut(error: Error): void;
}
