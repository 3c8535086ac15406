import type { Duplex } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import { Exchange, type ExchangeOwner } from './exchange.ts';

type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** undici 6's and 7's handler, which built-in `fetch` on Node 22 and 24 sends. */
export interface LegacyHandler {
  onConnect(abort: (reason?: Error | null) => void, context?: unknown): void;
  onError(error: Error): void;
  onUpgrade?(statusCode: number, headers: Buffer[], socket: Duplex): void;
  onHeaders?(statusCode: number, headers: Buffer[], resume: () => void, statusText?: string): boolean;
  onData?(chunk: Buffer): boolean;
  onComplete?(trailers: Buffer[]): void;
  onBodySent?(chunk: Buffer): void;
  onRequestSent?(): void;
  onResponseStarted?(): void;
}

/** Whether a handler is of the older generation. A handler of neither is taken for a new one, and refused. */
export function isLegacy(handler: object): handler is LegacyHandler {
  return (
    !('onRequestStart' in handler) &&
    ('onConnect' in handler || 'onHeaders' in handler || 'onError' in handler)
  );
}

/** A request of a caller that speaks undici 8. */
export class ModernExchange extends Exchange {
  readonly #handler: Handler;

  constructor(options: Dispatcher.DispatchOptions, handler: Handler, owner: ExchangeOwner) {
    super(options, owner);
    this.#handler = handler;
  }

  protected callStart(context: unknown): void {
    this.#handler.onRequestStart!(this, context);
  }

  protected callUpgrade(statusCode: number, headers: Headers, socket: Duplex): void {
    this.#handler.onRequestUpgrade?.(this, statusCode, headers, socket);
  }

  protected callHeaders(statusCode: number, headers: Headers, statusMessage?: string): void {
    this.#handler.onResponseStart?.(this, statusCode, headers, statusMessage);
  }

  protected callData(chunk: Buffer): void {
    this.#handler.onResponseData?.(this, chunk);
  }

  protected callEnd(trailers: Headers): void {
    this.#handler.onResponseEnd?.(this, trailers);
  }

  protected callError(error: Error): void {
    this.#handler.onResponseError!(this, error);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  protected callResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }
}

/** A request of a caller that speaks undici 6 or 7. Such callers only ever get HTTP/1.1, so headers come raw. */
export class LegacyExchange extends Exchange {
  readonly #handler: LegacyHandler;

  constructor(options: Dispatcher.DispatchOptions, handler: LegacyHandler, owner: ExchangeOwner) {
    super(options, owner);
    this.#handler = handler;
  }

  protected callStart(context: unknown): void {
    this.#handler.onConnect((reason) => this.cancel(reason), context);
  }

  protected callUpgrade(statusCode: number, _headers: Headers, socket: Duplex): void {
    this.#handler.onUpgrade?.(statusCode, this.rawHeaders as Buffer[], socket);
  }

  protected callHeaders(statusCode: number, _headers: Headers, statusMessage?: string): void {
    const headers = this.rawHeaders as Buffer[];
    if (this.#handler.onHeaders?.(statusCode, headers, () => this.resume(), statusMessage) === false)
      this.pause();
  }

  protected callData(chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) this.pause();
  }

  protected callEnd(): void {
    this.#handler.onComplete?.((this.rawTrailers ?? []) as Buffer[]);
  }

  protected callError(error: Error): void {
    this.#handler.onError(error);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  protected callResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }
}

/** Tells a handler of either generation that its request has failed before it began, as undici does. */
export function rejectWith(handler: Handler | LegacyHandler, error: Error): false {
  if ('onResponseError' in handler && typeof handler.onResponseError === 'function') {
    // undici has no controller to give here either.
    handler.onResponseError(null as unknown as Dispatcher.DispatchController, error);
  } else if ('onError' in handler && typeof handler.onError === 'function') {
    handler.onError(error);
  } else {
    throw error;
  }
  return false;
}

/** Throws undici's own error for a handler that lacks a method. A wrapped handler escapes undici's check. */
export function assertHandler(handler: Handler, { method, upgrade }: Dispatcher.DispatchOptions): void {
  assertMethod('onRequestStart', handler.onRequestStart);
  assertMethod('onResponseError', handler.onResponseError);
  if (handler.onBodySent !== undefined) assertMethod('onBodySent', handler.onBodySent);
  if (handler.onRequestSent !== undefined) assertMethod('onRequestSent', handler.onRequestSent);
  if (upgrade || method === 'CONNECT') {
    assertMethod('onRequestUpgrade', handler.onRequestUpgrade);
    return;
  }
  assertMethod('onResponseStart', handler.onResponseStart);
  assertMethod('onResponseData', handler.onResponseData);
  assertMethod('onResponseEnd', handler.onResponseEnd);
}

/** The same for the older generation. */
export function assertLegacyHandler(
  handler: LegacyHandler,
  { method, upgrade }: Dispatcher.DispatchOptions,
): void {
  assertMethod('onConnect', handler.onConnect);
  assertMethod('onError', handler.onError);
  if (handler.onBodySent !== undefined) assertMethod('onBodySent', handler.onBodySent);
  if (handler.onRequestSent !== undefined) assertMethod('onRequestSent', handler.onRequestSent);
  if (upgrade || method === 'CONNECT') {
    assertMethod('onUpgrade', handler.onUpgrade);
    return;
  }
  assertMethod('onHeaders', handler.onHeaders);
  assertMethod('onData', handler.onData);
  assertMethod('onComplete', handler.onComplete);
}

function assertMethod(name: string, method: unknown): void {
  if (typeof method !== 'function') throw new errors.InvalidArgumentError(`invalid ${name} method`);
}

/**
 * What an old-style caller asked for, as undici 8 takes it. undici 6 and 7 pass the `dispatcher` option on,
 * and built-in `fetch` on Node 22 and undici 6 send a Content-Length of the user's twice.
 */
export function normalizeLegacyOptions(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const headers = withSingleLength(options.headers);
  if (headers === options.headers && !('dispatcher' in options)) return options;
  const { dispatcher: _, ...rest } = options as Dispatcher.DispatchOptions & { dispatcher?: unknown };
  return { ...rest, headers: headers ?? null };
}

type OutgoingHeaders = Dispatcher.DispatchOptions['headers'];

function withSingleLength(headers: OutgoingHeaders): OutgoingHeaders {
  if (!headers || Array.isArray(headers) || Symbol.iterator in headers) return headers;
  for (const name in headers) {
    if (name.length !== 14 || name.toLowerCase() !== 'content-length') continue;
    const length = /^(\d+), \1$/.exec(String(headers[name]))?.[1];
    if (length !== undefined) return { ...headers, [name]: length };
  }
  return headers;
}
