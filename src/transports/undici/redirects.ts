import { type Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { LegacyHandler } from './handlers.ts';
import { isReplayable } from './repeatable.ts';

/** undici 6 has these options; later versions have interceptors instead. */
type Options = Dispatcher.DispatchOptions & {
  readonly maxRedirections?: number | null;
  readonly throwOnMaxRedirect?: boolean;
};

const REDIRECTS = new Set([300, 301, 302, 303, 307, 308]);
/** What another origin must not get. */
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Whether a caller of undici 6 wants redirects to be followed. */
export function asksForRedirects({ maxRedirections }: Options): boolean {
  return Number.isInteger(maxRedirections) && maxRedirections! > 0;
}

/** Sends a request of such a caller, and follows redirects as an Agent of undici 6 does. */
export function followRedirects(
  target: Pick<Dispatcher, 'dispatch'>,
  options: Dispatcher.DispatchOptions,
  handler: LegacyHandler,
): boolean {
  const own: Options = { ...options, maxRedirections: 0 };
  const { maxRedirections } = options as Options;
  return target.dispatch(own, new RedirectHandler(target, own, maxRedirections!, handler) as object);
}

class RedirectHandler implements LegacyHandler {
  readonly #target: Pick<Dispatcher, 'dispatch'>;
  readonly #limit: number;
  readonly #handler: LegacyHandler;
  readonly #history: URL[] = [];
  #options: Options;
  #next: Options | undefined;
  #abort: ((reason?: Error | null) => void) | undefined;

  constructor(target: Pick<Dispatcher, 'dispatch'>, options: Options, limit: number, handler: LegacyHandler) {
    this.#target = target;
    this.#options = options;
    this.#limit = limit;
    this.#handler = handler;
  }

  onConnect(abort: (reason?: Error | null) => void): void {
    this.#abort = abort;
    this.#handler.onConnect(abort, { history: this.#history });
  }

  onUpgrade(statusCode: number, headers: Buffer[], socket: Duplex): void {
    this.#handler.onUpgrade?.(statusCode, headers, socket);
  }

  onHeaders(statusCode: number, headers: Buffer[], resume: () => void, message?: string): boolean {
    if (statusCode < 200) return this.#handler.onHeaders?.(statusCode, headers, resume, message) ?? true;
    const isLast = this.#history.length >= this.#limit;
    if (isLast && this.#options.throwOnMaxRedirect) {
      this.#abort!(new Error('max redirects'));
      return true;
    }
    const { origin, path, body } = this.#options;
    const url = new URL(path, origin);
    const location = isLast || isSpent(body) || !REDIRECTS.has(statusCode) ? undefined : locationOf(headers);
    this.#history.push(url);
    if (location === undefined)
      return this.#handler.onHeaders?.(statusCode, headers, resume, message) ?? true;
    this.#next = redirected(this.#options, url, new URL(location, url), statusCode === 303);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#next !== undefined || (this.#handler.onData?.(chunk) ?? true);
  }

  onComplete(trailers: Buffer[]): void {
    const next = this.#next;
    if (next === undefined) {
      this.#handler.onComplete?.(trailers);
      return;
    }
    this.#next = undefined;
    this.#options = next;
    this.#target.dispatch(next, this as object);
  }

  onError(error: Error): void {
    this.#handler.onError(error);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }
}

/** What is asked for next. After a 303, that is a GET without a body. */
function redirected(options: Options, from: URL, to: URL, isSeeOther: boolean): Options {
  const turns = isSeeOther && options.method !== 'HEAD';
  return {
    ...options,
    origin: to.origin,
    path: to.pathname + to.search,
    query: null as never,
    headers: pairsOf(options.headers).flatMap(([name, value]) => {
      const lower = name.toLowerCase();
      const goes =
        lower === 'host' ||
        (isSeeOther && lower.startsWith('content-')) ||
        (from.origin !== to.origin && CREDENTIALS.has(lower));
      return goes ? [] : [name, value];
    }) as string[],
    ...(turns ? { method: 'GET' as const, body: null } : undefined),
  };
}

function pairsOf(headers: Dispatcher.DispatchOptions['headers']): [name: string, value: unknown][] {
  if (!headers) return [];
  if (!Array.isArray(headers)) {
    return Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  }
  const pairs: [string, unknown][] = [];
  for (let n = 0; n < headers.length; n += 2) pairs.push([String(headers[n]), headers[n + 1]]);
  return pairs;
}

/** Whether a body can't be sent again, because some of it was read. Of an iterable, that can't be known. */
function isSpent(body: Options['body']): boolean {
  if (isReplayable(body)) return false;
  return !(body instanceof Readable) || Readable.isDisturbed(body);
}

function locationOf(headers: readonly Buffer[]): string | undefined {
  for (let n = 0; n < headers.length; n += 2) {
    if (String(headers[n]).toLowerCase() === 'location')
      return headers[n + 1]!.toString('latin1') || undefined;
  }
  return undefined;
}
