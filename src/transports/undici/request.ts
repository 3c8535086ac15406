import type { Dispatcher } from 'undici';
import type { Refusal } from '../../core/calls/settings.ts';
import type { Carried } from '../../core/connections/wire.ts';

/** A request, as the wire of a Client sees it. */
export interface Request extends Carried, Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** Whether a Client has had it. Then the Client tells tracers how it ends. */
  given: boolean;
  /** Whether it asks for a socket or stream of its own. */
  readonly upgrades: boolean;
  /** The server says that it has not processed the request, which may be sent elsewhere. */
  refuse(error: Error, how: Refusal): void;
  /** Node has refused to send it, and would refuse it on any connection. Ends it. */
  failUnopened(cause: Error): void;
  /** Ends it for good. */
  cancel(reason: Error): void;
  /** The connection or stream that carries it ends. */
  cut(error: Error): void;
}
