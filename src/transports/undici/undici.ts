import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Agent, Client, Dispatcher, errors } from 'undici';

// What is relied on inside undici 8: what its documentation doesn't promise, or its types deny. Each has a test in
// test/undici/relied-on.test.ts, which `npm run test:undici` puts to the versions of undici that users may have. Files
// in parentheses are those of its lib/. Must not load undici: what is global before that is read first.
//
// Relied on without a name here:
// - A connector may call back in a microtask; one that calls back at once stalls its Client (dispatcher/client.js, connect).
// - A connector's error with a code of our own ends the requests that wait. With undici's code for sockets, or for
//   information, the Client would dial again (client.js, onError).
// - What buildConnector makes returns the socket, before it is connected, though its types say void (core/connect.js).
// - An HTTP/1.1 Client says that it is busy (`dispatch` returns false) even when idle. One of HTTP/2 says so until the
//   peer's SETTINGS have come, then exactly when it is full, and `drain` when it is so no more (client.js, kDispatch). It
//   says that, too, when it was never asked while it was full, for its peer takes fewer streams than it has (client.js, resume).
// - `onResponseEnd` comes before the fate of the socket is settled, which is so a microtask later (client-h1.js).
// - A connection that is used again has its request written by the `setImmediate` that is global then (client-h1.js).
// - `onResponseStarted` is called at the first byte of a response (core/request.js).
// - After a GOAWAY a Client says `disconnect` with the socket alive, and lets go of the session, which ends what was
//   accepted. Destroying the Client gives back what was not, and ends nothing else (client-h2.js, onHttp2SessionGoAway).
// - Agents, EnvHttpProxyAgents and Dispatcher1Wrappers, of any copy of undici, are told by the names of their classes, and
//   what `compose` makes by its `dispatch` (global/claims.ts).
// - A Client of HTTP/2 says `ping` of answered PINGs, and opens each stream right after its `onRequestStart`.

/**
 * Where all copies of undici keep the dispatcher for callers that name none (lib/global.js): built-in `fetch` on Node.js 22
 * and 24, undici 6 and 7 look into the first one, built-in `fetch` on Node.js 26 and undici 8 into the second.
 */
export const LEGACY_GLOBAL: unique symbol = Symbol.for('undici.globalDispatcher.1');
export const MODERN_GLOBAL: unique symbol = Symbol.for('undici.globalDispatcher.2');

/** A Client's defaults (lib/dispatcher/client.js), and those of its connector (lib/core/connect.js); milliseconds. */
export const DEFAULTS = {
  keepAliveTimeout: 4_000,
  keepAliveTimeoutThreshold: 2_000,
  keepAliveMaxTimeout: 600_000,
  pingInterval: 60_000,
  keepAliveInitialDelay: 60_000,
} as const;

/** With that, a Client sends no PINGs, and ends no session for one without an answer (lib/dispatcher/client-h2.js). */
export const NO_PINGS = { pingInterval: 0 } as const;

/** Whether an HTTP/1.1 Client says `disconnect` of a socket that lives on, the caller's now (client-h1.js, onUpgrade). */
export function isUpgrade(disconnect: Error): boolean {
  return disconnect.message === 'upgrade';
}

/**
 * Whether it says `disconnect` because the connection was idle for too long, or told to be closed: no fault of the
 * peer's. Such errors are `InformationalError`s; an end by the peer's is a `SocketError`, or a system's error.
 */
export function isOwnDisconnect(disconnect: Error): boolean {
  return (disconnect as NodeJS.ErrnoException).code === 'UND_ERR_INFO';
}

/**
 * Whether nothing of a request was written: undici gives no controller to `onResponseError` where it has called no
 * `onRequestStart` (lib/core/request.js).
 */
export function isUnwritten(
  controller: Dispatcher.DispatchController | null | undefined,
): controller is null | undefined {
  return controller == null;
}

/** Whether Node refuses a stream because of its session. undici keeps the request then, unsent (openStream). */
export function isOfSession({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP2_INVALID_SESSION' || code === 'ERR_HTTP2_GOAWAY_SESSION';
}

/** undici's error for what Node refuses; its types know of no options. */
export function informationalError(
  Class: typeof errors.InformationalError,
  cause: Error,
): errors.InformationalError {
  const Typed = Class as new (message: string, options: ErrorOptions) => errors.InformationalError;
  return new Typed(cause.message, { cause });
}

/**
 * The session that a Client has made of a socket, from its `connect` event on; it opens its streams by `request`, each
 * right after the `onRequestStart` of what it is for. Undici tells of it nowhere: without it, refused streams and
 * unanswered PINGs are dealt with as undici does.
 */
export function sessionOf(socket: Socket): ClientHttp2Session | undefined {
  return member(socket, 'http2Session') as ClientHttp2Session | undefined;
}

/** What undici keeps on an object under a symbol of that description. */
export function member(object: object, description: string): unknown {
  const key = Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);
  return key && (object as Record<symbol, unknown>)[key];
}

/** What fetch's WebSocket and EventSource read of a dispatcher; its types don't know of them. */
export interface WebOptions {
  readonly webSocketOptions: Client.WebSocketOptions;
  readonly eventSourceOptions: Client.EventSourceOptions;
}

/** Those of an Agent. A `Dispatcher1Wrapper` reads them of what it wraps, each time. */
export function webOptionsOf(agent: Agent | Dispatcher): WebOptions {
  return agent as Dispatcher & WebOptions;
}
