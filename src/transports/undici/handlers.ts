import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Exchange } from './exchange.ts';
import type { SharedHooks } from './undici-call.ts';

type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** A handler of undici 6 and 7. Built-in `fetch` of Node 22 and 24 uses it. */
export interface LegacyHandler extends SharedHooks {
  onConnect(abort: (reason?: Error | null) => void, context?: unknown): void;
  onError(error: Error): void;
  onUpgrade?(statusCode: number, headers: Buffer[], socket: Duplex): void;
  onHeaders?(statusCode: number, headers: Buffer[], resume: () => void, statusText?: string): boolean;
  onData?(chunk: Buffer): boolean;
  onComplete?(trailers: Buffer[]): void;
}

/** Whether a handler is of the older kind. A handler of neither kind counts as a new one, and is refused. */
export function isLegacy(handler: object): handler is LegacyHandler {
  return (
    !('onRequestStart' in handler) &&
    ('onConnect' in handler || 'onHeaders' in handler || 'onError' in handler)
  );
}

/** A request of a caller that uses undici 8's handlers. */
export class ModernExchange extends Exchange<Handler> {
  protected callStart(context: unknown): void {
    this.handler.onRequestStart!(this, context);
  }

  protected callUpgrade(statusCode: number, headers: Headers, socket: Duplex): void {
    this.handler.onRequestUpgrade?.(this, statusCode, headers, socket);
  }

  protected callHeaders(statusCode: number, headers: Headers, statusMessage?: string): void {
    this.handler.onResponseStart?.(this, statusCode, headers, statusMessage);
  }

  protected callData(chunk: Buffer): void {
    this.handler.onResponseData?.(this, chunk);
  }

  protected callEnd(trailers: Headers): void {
    this.handler.onResponseEnd?.(this, trailers);
  }

  protected callError(error: Error): void {
    this.handler.onResponseError!(this, error);
  }
}

/** A request of a caller that uses undici 6's or 7's handlers. Such callers get HTTP/1.1 only, so headers come raw. */
export class LegacyExchange extends Exchange<LegacyHandler> {
  protected callStart(context: unknown): void {
    this.handler.onConnect((reason) => this.cancel(reason), context);
  }

  protected callUpgrade(statusCode: number, _headers: Headers, socket: Duplex): void {
    this.handler.onUpgrade?.(statusCode, this.rawHeaders as Buffer[], socket);
  }

  protected callHeaders(statusCode: number, _headers: Headers, statusMessage?: string): void {
    const headers = this.rawHeaders as Buffer[];
    const goesOn = this.handler.onHeaders?.(statusCode, headers, () => this.resume(), statusMessage);
    if (pauses(goesOn, statusCode)) this.pause();
  }

  protected callData(chunk: Buffer): void {
    if (this.handler.onData?.(chunk) === false) this.pause();
  }

  protected callEnd(): void {
    this.handler.onComplete?.((this.rawTrailers ?? []) as Buffer[]);
  }

  protected callError(error: Error): void {
    this.handler.onError(error);
  }
}

/**
 * Whether a handler of the older kind pauses its response at the head. For 1xx, undici 6 and 7 ignore what it returns:
 * the `fetch` of undici 7 returns false there, and doesn't go on if the response has no body.
 */
export function pauses(goesOn: boolean | undefined, statusCode: number): boolean {
  return goesOn === false && statusCode >= 200;
}

/** Tells a handler of either kind that its request failed before it began, as undici does. */
export function rejectWith(handler: Handler | LegacyHandler, error: Error): void {
  if ('onResponseError' in handler && typeof handler.onResponseError === 'function') {
    // undici has no controller here either.
    handler.onResponseError(null as unknown as Dispatcher.DispatchController, error);
  } else if ('onError' in handler && typeof handler.onError === 'function') {
    handler.onError(error);
  } else {
    throw error;
  }
}

/** The name of the first method that undici would miss. A wrapped handler isn't checked by undici itself. */
export function missingMethod(handler: Handler, upgrades: boolean): string | undefined {
  if (typeof handler.onRequestStart !== 'function') return 'onRequestStart';
  if (typeof handler.onResponseError !== 'function') return 'onResponseError';
  const wrong = wrongHook(handler);
  if (wrong !== undefined) return wrong;
  if (upgrades) return typeof handler.onRequestUpgrade === 'function' ? undefined : 'onRequestUpgrade';
  if (typeof handler.onResponseStart !== 'function') return 'onResponseStart';
  if (typeof handler.onResponseData !== 'function') return 'onResponseData';
  return typeof handler.onResponseEnd === 'function' ? undefined : 'onResponseEnd';
}

/** The same for handlers of the older kind, whose undici versions check other methods. */
export function missingLegacyMethod(handler: LegacyHandler, upgrades: boolean): string | undefined {
  if (typeof handler.onConnect !== 'function') return 'onConnect';
  if (typeof handler.onError !== 'function') return 'onError';
  const wrong = wrongHook(handler);
  if (wrong !== undefined) return wrong;
  if (upgrades) return typeof handler.onUpgrade === 'function' ? undefined : 'onUpgrade';
  if (typeof handler.onHeaders !== 'function') return 'onHeaders';
  if (typeof handler.onData !== 'function') return 'onData';
  return typeof handler.onComplete === 'function' ? undefined : 'onComplete';
}

/** The name of the first optional hook that is there, but isn't a function. */
function wrongHook(handler: SharedHooks): string | undefined {
  if (handler.onBodySent !== undefined && typeof handler.onBodySent !== 'function') return 'onBodySent';
  if (handler.onRequestSent !== undefined && typeof handler.onRequestSent !== 'function')
    return 'onRequestSent';
  return undefined;
}

/**
 * The options of an older caller, as undici 8 takes them. undici 6 and 7 pass the option `dispatcher` on. Built-in
 * `fetch` on Node 22 and undici 6 send the user's Content-Length twice. undici 6 passes `throwOnError` on, although its
 * handlers do what it says.
 */
export function normalizeLegacyOptions(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const headers = withSingleLength(options.headers);
  if (headers === options.headers && !('dispatcher' in options || 'throwOnError' in options)) return options;
  type Passed = Dispatcher.DispatchOptions & { dispatcher?: unknown; throwOnError?: unknown };
  const { dispatcher: _, throwOnError: __, ...rest } = options as Passed;
  return { ...rest, headers: headers ?? null };
}

type OutgoingHeaders = Dispatcher.DispatchOptions['headers'];

function withSingleLength(headers: OutgoingHeaders): OutgoingHeaders {
  if (!headers || typeof headers !== 'object' || Symbol.iterator in headers) return headers;
  for (const name in headers) {
    if (name.length !== 14 || name.toLowerCase() !== 'content-length') continue;
    const length = /^(\d+), \1$/.exec(String(headers[name]))?.[1];
    if (length !== undefined) return { ...headers, [name]: length };
  }
  return headers;
}
