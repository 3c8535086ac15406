import type { Dispatcher } from 'undici';
import type { Refusal } from '../../core/calls/settings.ts';
import type { Carried } from '../../core/connections/wire.ts';

/** What a connection carries that carries many requests. */
export interface Streams {
  /** The Client begins to write a request. */
  onStart(request: Request): void;
}

/** A request, as the wire of a Client sees it. */
export interface Request extends Carried, Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** A Client gets it. `streams`: those of its connection, if that carries many. */
  onGiven(streams: Streams | undefined): void;
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
