import type { Dispatcher } from 'undici';
import type { Refusal } from '../../core/calls/settings.ts';
import type { Carried } from '../../core/connections/wire.ts';

/** A request as the Client's wire sees it. */
export interface Request extends Carried, Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** A Client has had it, and tells tracers what becomes of it. */
  given: boolean;
  /** Asks for a socket, or a stream, of its own. */
  readonly upgrades: boolean;
  /** The server has not looked at it, and says so: takes it back, to be sent elsewhere. */
  refuse(error: Error, how: Refusal): void;
  /** Node has refused to send it, so that nobody else would: ends it. */
  failUnopened(cause: Error): void;
  /** Ends it for good. */
  cancel(reason: Error): void;
  /** What carries it ends. */
  cut(error: Error): void;
}
