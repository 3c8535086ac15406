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

/** What a session is asked for: a stream, as a rule. */
export abstract class SessionCall extends Call implements Runner<SessionCall> {
  /** When its stream was opened, on the clock, and the calls of before and after it that go on. */
  since = 0;
  previous: SessionCall | undefined = undefined;
  next: SessionCall | undefined = undefined;
  readonly lasting = false;
  readonly upgrades = false;
  /** The caller has the stream, and what it writes to it is gone with that one. */
  readonly repeatable = false;

  check(): void {}

  begin(): void {}

  /**
   * Opens its stream, if it wants one.
   *
   * @throws what Node does
   */
  abstract open(session: ClientHttp2Session): void;
  /** It can't have one. `isGone`: the session is no more, and another one may do. */
  abstract onUnopened(error: Error, isGone: boolean): void;
  /** The session ends what it carries. */
  abstract cut(error: Error): void;
}
