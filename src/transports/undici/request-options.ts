import type { Dispatcher } from 'undici';
import { assertBeforeQuery, checkedHeaders, type FlatHeaders, pathWithQuery } from './checks.ts';

type Given = Dispatcher.DispatchOptions & {
  servername?: string | null;
  throwOnError?: boolean | null;
  maxRedirections?: number | null;
};

/**
 * What a request asks for, as it was when it was dispatched: its caller may change the objects, and use them for the
 * next request, while this one waits or is sent again. Has all that undici reads. The bytes of a body aren't copied;
 * undici doesn't copy them either.
 *
 * If headers are plain and there is no query, nothing is checked here: the Client checks, or `assertRequest`. Otherwise
 * reading may fail, so all is checked at once.
 */
export class RequestOptions implements Dispatcher.DispatchOptions {
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly body: NonNullable<Given['body']> | null;
  /** Names and values in turn. */
  readonly headers: string[] | null;
  readonly idempotent: boolean;
  readonly blocking: boolean;
  readonly upgrade: boolean | string | null;
  readonly headersTimeout: number | null;
  readonly bodyTimeout: number | null;
  readonly reset: boolean;
  readonly expectContinue: boolean;
  readonly servername: string | null;
  readonly throwOnError: boolean | null;
  readonly maxRedirections: number | null;
  readonly typeOfService: number | null;

  constructor(given: Dispatcher.DispatchOptions) {
    const options = given as Required<Given>;
    this.path = options.path;
    this.method = options.method;
    this.body = options.body;
    this.idempotent = options.idempotent;
    this.blocking = options.blocking;
    this.upgrade = options.upgrade;
    this.headersTimeout = options.headersTimeout;
    this.bodyTimeout = options.bodyTimeout;
    this.reset = options.reset;
    this.expectContinue = options.expectContinue;
    this.servername = options.servername;
    this.throwOnError = options.throwOnError;
    this.maxRedirections = options.maxRedirections;
    this.typeOfService = options.typeOfService;
    const { query, headers } = options;
    let flat = query ? undefined : flatten(headers);
    if (flat === undefined) {
      assertBeforeQuery(this);
      if (query) this.path = pathWithQuery(this.path, query);
      flat = checkedHeaders(headers);
    }
    this.headers = flat as string[] | null;
  }

  /** Whether it asks for a socket of its own. */
  get upgrades(): boolean {
    return Boolean(this.upgrade) || this.method === 'CONNECT';
  }
}

/** What most requests ask for. It takes a third of the memory, and its missing options need no check. */
class UsualOptions {
  readonly path: Given['path'];
  readonly method: Given['method'];
  readonly body: Given['body'];
  readonly headers: FlatHeaders | null;

  constructor(
    path: Given['path'],
    method: Given['method'],
    body: Given['body'],
    headers: FlatHeaders | null,
  ) {
    this.path = path;
    this.method = method;
    this.body = body;
    this.headers = headers;
  }

  get upgrades(): boolean {
    return this.method === 'CONNECT';
  }
}

/** Reads the options of a request, each once, as undici does. */
export function optionsOf(given: Given): RequestOptions {
  const { path, method, body, idempotent, blocking, upgrade, headersTimeout, bodyTimeout, reset } = given;
  const { expectContinue, servername, throwOnError, maxRedirections, typeOfService, query, headers } = given;
  const isUsual =
    idempotent === undefined &&
    blocking === undefined &&
    upgrade === undefined &&
    headersTimeout === undefined &&
    bodyTimeout === undefined &&
    reset === undefined &&
    expectContinue === undefined &&
    servername === undefined &&
    throwOnError === undefined &&
    // `fetch` sets 0, which undici treats as not set.
    (maxRedirections === undefined || maxRedirections === 0) &&
    typeOfService === undefined &&
    !query;
  const flat = isUsual ? flatten(headers) : undefined;
  if (flat !== undefined) return new UsualOptions(path, method, body, flat) as unknown as RequestOptions;
  return new RequestOptions({
    path,
    method,
    body,
    idempotent,
    blocking,
    upgrade,
    headersTimeout,
    bodyTimeout,
    reset,
    expectContinue,
    servername,
    throwOnError,
    maxRedirections,
    typeOfService,
    query,
    headers,
  } as Given);
}

/** A copy of plain headers; `undefined` if they are more than plain. */
function flatten(headers: Given['headers']): FlatHeaders | null | undefined {
  if (headers === undefined || headers === null) return null;
  if (Array.isArray(headers)) return isFlat(headers) ? headers.slice() : undefined;
  if (typeof headers !== 'object' || Object.getPrototypeOf(headers) !== Object.prototype) return undefined;
  if (Symbol.iterator in headers) return undefined;
  const flat: unknown[] = [];
  for (const name of Object.keys(headers)) {
    const value: unknown = (headers as Record<string, unknown>)[name];
    if (!isPlain(value)) return undefined;
    flat.push(name, value);
  }
  return flat;
}

function isFlat(headers: readonly unknown[]): boolean {
  for (let n = 0; n < headers.length; n++) {
    const item = headers[n];
    if (n % 2 === 0 ? typeof item !== 'string' : !isPlain(item)) return false;
  }
  return true;
}

/** Whether a value can't change, and becomes text without calling foreign code. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'undefined':
    case 'number':
    case 'boolean':
    case 'bigint':
      return true;
    default:
      return value === null;
  }
}
