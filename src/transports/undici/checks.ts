import assert from 'node:assert';
import { stringify } from 'node:querystring';
import { type Dispatcher, errors, FormData } from 'undici';

/** Names and values in turn. */
export type FlatHeaders = readonly unknown[];

/** What is checked: all that undici reads of the options of a request, except its query. */
interface Checked {
  readonly path: string;
  readonly method: string;
  readonly body: unknown;
  readonly headers: readonly string[] | null;
  readonly upgrade: boolean | string | null;
  readonly headersTimeout: number | null;
  readonly bodyTimeout: number | null;
  readonly reset: boolean;
  readonly expectContinue: boolean;
  readonly servername: string | null;
  readonly throwOnError: boolean | null;
  readonly maxRedirections: number | null;
  readonly typeOfService: number | null;
}

const { InvalidArgumentError, NotSupportedError } = errors;

const NOT_IN_PATH = /[^\u0021-\u00ff]/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const TOKEN = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
const DIGITS = /^\d+$/;

/**
 * Checks what undici checks when it makes a Request, in the same order and with the same errors. For requests that
 * wait: no Client gets them yet. (To make a Request would publish it to tracers.) undici: lib/core/request.js
 *
 * @param missing the name of a method that the handler lacks
 * @throws what undici would throw
 */
export function assertRequest(options: Checked, missing?: string): void {
  assertBeforeQuery(options);
  checkedHeaders(options.headers);
  if (missing !== undefined) throw new InvalidArgumentError(`invalid ${missing} method`);
  assertHost(options);
}

/** The checks that come before the query. */
export function assertBeforeQuery(options: Omit<Checked, 'headers'>): void {
  const { path, method, upgrade, headersTimeout, bodyTimeout, reset, expectContinue } = options;
  if (typeof path !== 'string') throw new InvalidArgumentError('path must be a string');
  if (path[0] !== '/' && !/^https?:\/\//.test(path) && method !== 'CONNECT') {
    throw new InvalidArgumentError('path must be an absolute URL or start with a slash');
  }
  if (NOT_IN_PATH.test(path)) throw new InvalidArgumentError('invalid request path');
  if (typeof method !== 'string') throw new InvalidArgumentError('method must be a string');
  if (!TOKEN.test(method)) throw new InvalidArgumentError('invalid request method');
  if (upgrade && typeof upgrade !== 'string') throw new InvalidArgumentError('upgrade must be a string');
  if (upgrade && NOT_IN_VALUE.test(upgrade)) throw new InvalidArgumentError('invalid upgrade header');
  if (!isTimeout(headersTimeout)) throw new InvalidArgumentError('invalid headersTimeout');
  if (!isTimeout(bodyTimeout)) throw new InvalidArgumentError('invalid bodyTimeout');
  if (!isSwitch(reset)) throw new InvalidArgumentError('invalid reset');
  if (!isSwitch(expectContinue)) throw new InvalidArgumentError('invalid expectContinue');
  const { throwOnError, maxRedirections, typeOfService, body } = options;
  if (!isNone(throwOnError)) throw new InvalidArgumentError('invalid throwOnError');
  if (!isNone(maxRedirections) && maxRedirections !== 0) {
    throw new InvalidArgumentError('maxRedirections is not supported, use the redirect interceptor');
  }
  if (
    !isNone(typeOfService) &&
    !(Number.isInteger(typeOfService) && typeOfService >= 0 && typeOfService <= 255)
  ) {
    throw new InvalidArgumentError('typeOfService must be an integer between 0 and 255');
  }
  assertBody(body);
}

/** The path with the query appended. */
export function pathWithQuery(path: string, query: Record<string, unknown>): string {
  if (path.includes('?') || path.includes('#')) {
    throw new Error('Query params cannot be passed when url already contains "?" or "#".');
  }
  const text = stringify(query as NodeJS.Dict<string>);
  return text === '' ? path : `${path}?${text}`;
}

/** All headers as they will be sent, whatever their form was. */
export function checkedHeaders(
  headers: Dispatcher.DispatchOptions['headers'] | FlatHeaders,
): FlatHeaders | null {
  if (isNone(headers)) return null;
  const checked = new CheckedHeaders();
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0) throw new InvalidArgumentError('headers array must be even');
    for (let n = 0; n < headers.length; n += 2) checked.add(headers[n], headers[n + 1]);
  } else if (typeof headers !== 'object') {
    throw new InvalidArgumentError('headers must be an object or an array');
  } else if (hasOwnWayToIterate(headers)) {
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new InvalidArgumentError('headers must be in key-value pair format');
      }
      checked.add(pair[0], pair[1]);
    }
  } else {
    for (const name of Object.keys(headers)) checked.add(name, (headers as Record<string, unknown>)[name]);
  }
  return checked.flat;
}

/** undici takes the TLS name from a Host header if there is no other. */
function assertHost({ servername, headers }: Checked): void {
  if (servername || headers === null) return;
  for (let n = 0; n < headers.length; n += 2) {
    const name: unknown = headers[n];
    const host: unknown = headers[n + 1];
    if (typeof name !== 'string' || name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (typeof host !== 'string' || host[0] !== '[') continue;
    const idx = host.indexOf(']');
    assert(idx !== -1);
  }
}

/** Headers that have been checked. */
class CheckedHeaders {
  readonly flat: unknown[] = [];
  #hasHost = false;
  #hasLength = false;

  add(key: unknown, given: unknown): void {
    if (given && typeof given === 'object' && !Array.isArray(given)) {
      throw new InvalidArgumentError(`invalid ${key} header`);
    }
    if (given === undefined) return;
    const name = nameOf(key);
    const value = textOf(key, given);
    this.#assert(name, value);
    this.flat.push(key, value);
  }

  /** Checks the headers for which undici has special rules. */
  #assert(name: string, value: string | string[]): void {
    switch (name) {
      case 'host':
        if (this.#hasHost) throw new InvalidArgumentError('duplicate host header');
        if (typeof value !== 'string') throw new InvalidArgumentError('invalid host header');
        this.#hasHost = true;
        break;
      case 'content-length':
        if (this.#hasLength) throw new InvalidArgumentError('duplicate content-length header');
        if (typeof value !== 'string' || !DIGITS.test(value)) {
          throw new InvalidArgumentError('invalid content-length header');
        }
        this.#hasLength = true;
        break;
      case 'transfer-encoding':
      case 'keep-alive':
      case 'upgrade':
        throw new InvalidArgumentError(`invalid ${name} header`);
      case 'connection':
        assertConnection(value);
        break;
      case 'expect':
        throw new NotSupportedError('expect header not supported');
    }
  }
}

function nameOf(key: unknown): string {
  // Like undici, so that a name that is no string fails with the same message.
  const name = (key as string).toLowerCase();
  if (!TOKEN.test(name)) throw new InvalidArgumentError('invalid header key');
  return name;
}

function textOf(key: unknown, given: unknown): string | string[] {
  if (!Array.isArray(given)) return given === null ? '' : assertValue(key, `${given}`);
  return given.map((item: unknown) => {
    if (item === null) return '';
    if (typeof item === 'object') throw new InvalidArgumentError(`invalid ${key} header`);
    return assertValue(key, `${item}`);
  });
}

function assertValue(key: unknown, value: string): string {
  if (NOT_IN_VALUE.test(value)) throw new InvalidArgumentError(`invalid ${key} header`);
  return value;
}

function assertConnection(value: string | string[]): void {
  if (typeof value !== 'string') throw new InvalidArgumentError('invalid connection header');
  for (const token of value.split(',')) {
    if (!TOKEN.test(token.trim())) throw new InvalidArgumentError('invalid connection header');
  }
}

function assertBody(body: unknown): void {
  if (isNone(body) || typeof body === 'string' || isStream(body)) return;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return;
  if (isLikeFormData(body)) {
    if (body instanceof FormData) return;
    throw new InvalidArgumentError(
      'body must be a FormData created by this undici package instance; FormData from other sources, such as the built-in FormData provided by Node.js, is not supported',
    );
  }
  if (isIterable(body) || body instanceof Blob) return;
  throw new InvalidArgumentError(
    'body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable',
  );
}

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isTimeout(value: number | null): boolean {
  return isNone(value) || (Number.isFinite(value) && value >= 0);
}

function isSwitch(value: unknown): boolean {
  return isNone(value) || typeof value === 'boolean';
}

function isStream(body: unknown): boolean {
  const { pipe, on } = body as { pipe?: unknown; on?: unknown };
  return typeof body === 'object' && typeof pipe === 'function' && typeof on === 'function';
}

function isLikeFormData(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const form = body as Record<string | symbol, unknown>;
  for (const name of ['append', 'delete', 'get', 'getAll', 'has', 'set']) {
    if (typeof form[name] !== 'function') return false;
  }
  return form[Symbol.toStringTag] === 'FormData';
}

function isIterable(body: unknown): boolean {
  const iterable = body as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  return (
    typeof iterable[Symbol.iterator] === 'function' || typeof iterable[Symbol.asyncIterator] === 'function'
  );
}

/** Whether the headers have an iterator of their own. One on `Object.prototype` doesn't count. */
function hasOwnWayToIterate(headers: object): boolean {
  // Most headers are plain objects. For them, this is all, and much faster than what follows.
  if (!(Symbol.iterator in headers)) return false;
  const prototype: unknown = Object.getPrototypeOf(headers);
  if (Object.hasOwn(headers, Symbol.iterator)) return true;
  const { [Symbol.iterator]: iterate } = headers as Partial<Iterable<unknown>>;
  return prototype !== null && prototype !== Object.prototype && typeof iterate === 'function';
}
