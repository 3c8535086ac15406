import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Agent, Client, Dispatcher, errors } from 'undici';

// What evenkeel depends on inside undici 8, although undici's documentation doesn't promise it, or its types deny it.
// Each has a test in test/undici/relied-on.test.ts, which `npm run test:undici` runs with the versions of undici that
// users may have. Files in parentheses are in undici's lib/. This file must not load undici, because `install()` reads
// first what is global.
//
// evenkeel also depends on this, which has no name below:
// - A connector may call back in a microtask. If it calls back at once, its Client stalls (dispatcher/client.js,
//   connect).
// - If a connector fails with a code of evenkeel's, the waiting requests end. With undici's code for sockets, or for
//   information, the Client would dial again (client.js, onError).
// - A connector of buildConnector returns the socket before it is connected, although its types say void
//   (core/connect.js).
// - An HTTP/1.1 Client says that it is busy (`dispatch` returns false) even if it is idle. An HTTP/2 Client says so until
//   the peer's SETTINGS have come, and then exactly while it is full; it emits `drain` when it is no longer full
//   (client.js, kDispatch). It also emits `drain` if nobody asked it while it was full, because its peer has lowered its
//   limit (resume).
// - `onResponseEnd` comes before the Client has decided what happens to the socket. A microtask later, it has
//   (client-h1.js).
// - On a connection that was used before, a request is written by the `setImmediate` that is global then (client-h1.js).
// - `onResponseStarted` is called at the first byte of a response (core/request.js).
// - After a GOAWAY, a Client emits `disconnect` while the socket is alive, and lets go of the session, with which
//   accepted requests end. Destroying the Client returns the other requests, and ends nothing else (client-h2.js,
//   onHttp2SessionGoAway).
// - Agents, EnvHttpProxyAgents and Dispatcher1Wrappers of any copy of undici are recognised by the names of their
//   classes, and what `compose` makes by its own `dispatch` (global/claims.ts).
// - An HTTP/1.1 Client reads its socket with `read`, for which the socket emits `data`. Until a request is written, it
//   isn't among those that run (client-h1.js, readMore).
// - An HTTP/2 Client emits `ping` for answered PINGs, and opens each stream right after its `onRequestStart`.

/**
 * Where all copies of undici keep the dispatcher for callers that name none (lib/global.js). Built-in `fetch` on Node.js
 * 22 and 24, undici 6 and 7 look into the first one; built-in `fetch` on Node.js 26 and undici 8 look into the second.
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

/** With this option, a Client sends no PINGs, so it ends no session for a missing answer (lib/dispatcher/client-h2.js). */
export const NO_PINGS = { pingInterval: 0 } as const;

/**
 * Whether an HTTP/1.1 Client emits this `disconnect` for an upgrade. Then the socket lives on, and belongs to the caller
 * (client-h1.js, onUpgrade).
 */
export function isUpgrade(disconnect: Error): boolean {
  return disconnect.message === 'upgrade';
}

/**
 * Whether a Client emits this `disconnect` because bytes have come for which there was no request, whatever they were
 * (client-h1.js, onMessageBegin).
 */
export function isBadResponse(disconnect: Error): boolean {
  return disconnect.message === 'bad response';
}

/**
 * Whether a Client emits this `disconnect` because the connection was idle for too long, or because the Client was told
 * to close it. Such errors are `InformationalError`s. If the peer has ended the connection, the error is a
 * `SocketError`, or one of the system.
 */
export function isOwnDisconnect(disconnect: Error): boolean {
  return (disconnect as NodeJS.ErrnoException).code === 'UND_ERR_INFO';
}

/**
 * Whether nothing of a request was written. undici gives `onResponseError` no controller if it has not called
 * `onRequestStart` before (lib/core/request.js).
 */
export function isUnwritten(
  controller: Dispatcher.DispatchController | null | undefined,
): controller is null | undefined {
  return controller == null;
}

/** Whether Node refuses a stream because of its session. Then undici keeps the request, and sends it later (openStream). */
export function isOfSession({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP2_INVALID_SESSION' || code === 'ERR_HTTP2_GOAWAY_SESSION';
}

/** undici's error for a request that Node refuses. The constructor also takes a cause, although undici's types don't say so. */
export function informationalError(
  Class: typeof errors.InformationalError,
  cause: Error,
): errors.InformationalError {
  const Typed = Class as new (message: string, options: ErrorOptions) => errors.InformationalError;
  return new Typed(cause.message, { cause });
}

/**
 * The HTTP/2 session that a Client has made of a socket. It is there from the Client's `connect` event on. The Client
 * opens each stream with the session's `request`, right after the `onRequestStart` of the request. undici has no other
 * way to get the session. If it can't be found, undici itself handles refused streams and unanswered PINGs.
 */
export function sessionOf(socket: Socket): ClientHttp2Session | undefined {
  return member(socket, 'http2Session') as ClientHttp2Session | undefined;
}

/** What undici keeps on an object under a symbol with this description. */
export function member(object: object, description: string): unknown {
  const key = Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);
  return key && (object as Record<symbol, unknown>)[key];
}

/** What WebSocket and EventSource read from a dispatcher. undici's types don't have these properties. */
export interface WebOptions {
  readonly webSocketOptions: Client.WebSocketOptions;
  readonly eventSourceOptions: Client.EventSourceOptions;
}

/** These properties of an Agent. A `Dispatcher1Wrapper` asks the dispatcher that it wraps, each time. */
export function webOptionsOf(agent: Agent | Dispatcher): WebOptions {
  return agent as Dispatcher & WebOptions;
}
