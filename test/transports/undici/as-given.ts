import { Blob } from 'node:buffer';
import { Readable } from 'node:stream';
import { FormData } from 'undici';

/** What a caller hands over, made anew for each request, as some of it can be used but once. */
export interface Given {
  readonly what: string;
  readonly options?: () => object;
  readonly handler?: () => object;
}

const THROWING_ITERATOR = {
  *[Symbol.iterator]() {
    yield ['x-first', '1'];
    throw new Error('iterator');
  },
};

/** What undici refuses. */
export const BAD: readonly Given[] = [
  { what: 'no path', options: () => ({ path: undefined }) },
  { what: 'a path that is a number', options: () => ({ path: 5 }) },
  { what: 'a path without a slash', options: () => ({ path: 'orders' }) },
  { what: 'an empty path', options: () => ({ path: '' }) },
  { what: 'a path with a blank', options: () => ({ path: '/a b' }) },
  { what: 'a path with a newline', options: () => ({ path: '/a\nb' }) },
  { what: 'a path beyond latin1', options: () => ({ path: '/\u0100' }) },
  { what: 'no method', options: () => ({ method: undefined }) },
  { what: 'a method that is a number', options: () => ({ method: 5 }) },
  { what: 'a method that is no token', options: () => ({ method: 'GE T' }) },
  { what: 'an empty method', options: () => ({ method: '' }) },
  { what: 'an upgrade that is an object', options: () => ({ upgrade: {} }) },
  { what: 'an upgrade that is true', options: () => ({ upgrade: true }) },
  { what: 'an upgrade with a newline', options: () => ({ upgrade: 'a\nb' }) },
  { what: 'headersTimeout: -1', options: () => ({ headersTimeout: -1 }) },
  { what: 'headersTimeout: NaN', options: () => ({ headersTimeout: Number.NaN }) },
  { what: 'headersTimeout: Infinity', options: () => ({ headersTimeout: Number.POSITIVE_INFINITY }) },
  { what: 'headersTimeout as a string', options: () => ({ headersTimeout: '5' }) },
  { what: 'bodyTimeout: -1', options: () => ({ bodyTimeout: -1 }) },
  { what: 'bodyTimeout as a string', options: () => ({ bodyTimeout: '5s' }) },
  { what: 'reset: 1', options: () => ({ reset: 1 }) },
  { what: 'expectContinue: "yes"', options: () => ({ expectContinue: 'yes' }) },
  { what: 'throwOnError: true', options: () => ({ throwOnError: true }) },
  { what: 'throwOnError: false', options: () => ({ throwOnError: false }) },
  { what: 'maxRedirections: 5', options: () => ({ maxRedirections: 5 }) },
  { what: 'typeOfService: 256', options: () => ({ typeOfService: 256 }) },
  { what: 'typeOfService: 1.5', options: () => ({ typeOfService: 1.5 }) },
  { what: 'a body that is a number', options: () => ({ method: 'POST', body: 5 }) },
  { what: 'a body that is an object', options: () => ({ method: 'POST', body: { a: 1 } }) },
  { what: 'a body that is a function', options: () => ({ method: 'POST', body: () => 'x' }) },
  { what: 'a body that is true', options: () => ({ method: 'POST', body: true }) },
  {
    what: 'a body that is a SharedArrayBuffer',
    options: () => ({ method: 'POST', body: new SharedArrayBuffer(4) }),
  },
  {
    what: "a body that is Node's own FormData",
    options: () => ({ method: 'POST', body: new globalThis.FormData() }),
  },
  { what: 'a query beside a path with ?', options: () => ({ path: '/a?b=1', query: { c: 2 } }) },
  { what: 'a query beside a path with #', options: () => ({ path: '/a#b', query: { c: 2 } }) },
  { what: 'a query that is no Unicode', options: () => ({ query: { a: '\ud800' } }) },
  {
    what: 'a query that throws',
    options: () => ({
      query: {
        get a() {
          throw new Error('query getter');
        },
      },
    }),
  },
  { what: 'a query, and a path that is none', options: () => ({ path: undefined, query: { a: 1 } }) },
  { what: 'headers in an odd array', options: () => ({ headers: ['a', '1', 'b'] }) },
  { what: 'headers in a string', options: () => ({ headers: 'a: 1' }) },
  { what: 'headers in an empty string', options: () => ({ headers: '' }) },
  { what: 'headers: 0', options: () => ({ headers: 0 }) },
  { what: 'headers: false', options: () => ({ headers: false }) },
  { what: 'headers: true', options: () => ({ headers: true }) },
  { what: 'headers in a function', options: () => ({ headers: () => [] }) },
  { what: 'a Set of headers', options: () => ({ headers: new Set(['a', 'b']) }) },
  { what: 'pairs of three', options: () => ({ headers: new Set([['a', 'b', 'c']]) }) },
  { what: 'pairs in an array', options: () => ({ headers: [['a', 'b']] }) },
  {
    what: 'two pairs in an array',
    options: () => ({
      headers: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    }),
  },
  { what: 'a header’s name with a blank', options: () => ({ headers: { 'a b': 'x' } }) },
  { what: 'a long header’s name with a colon', options: () => ({ headers: { 'x-a-long-name:': 'x' } }) },
  { what: 'an empty header’s name', options: () => ({ headers: { '': 'x' } }) },
  { what: 'a header’s name that is a number', options: () => ({ headers: [5, 'x'] }) },
  { what: 'a header’s name that is null', options: () => ({ headers: [null, 'x'] }) },
  { what: 'a header’s name that is a Symbol', options: () => ({ headers: [Symbol('a'), 'x'] }) },
  { what: 'a header’s name in a Map that is a number', options: () => ({ headers: new Map([[5, 'x']]) }) },
  { what: 'a header with a newline', options: () => ({ headers: { a: 'b\nc' } }) },
  { what: 'a header with a newline in an array', options: () => ({ headers: ['a', 'b\nc'] }) },
  { what: 'a header with a newline in a Map', options: () => ({ headers: new Map([['a', 'b\nc']]) }) },
  { what: 'a header beyond latin1', options: () => ({ headers: { a: '\u0100' } }) },
  { what: 'a header that is an object', options: () => ({ headers: { a: {} } }) },
  { what: 'a header that is a Date', options: () => ({ headers: { a: new Date(0) } }) },
  { what: 'a header that is a Buffer', options: () => ({ headers: { a: Buffer.from('b') } }) },
  { what: 'a header that is a Symbol', options: () => ({ headers: { a: Symbol('b') } }) },
  {
    what: 'a header that is a function of two lines',
    options: () => ({ headers: { a: Object.assign(() => {}, { toString: () => 'a\nb' }) } }),
  },
  {
    what: 'a header whose text throws',
    options: () => ({
      headers: {
        a: Object.assign(() => {}, {
          toString() {
            throw new Error('text');
          },
        }),
      },
    }),
  },
  { what: 'a header with an object among its values', options: () => ({ headers: { a: ['x', {}] } }) },
  { what: 'a header with a newline among its values', options: () => ({ headers: { a: ['x', 'y\nz'] } }) },
  { what: 'a header with an array among its values', options: () => ({ headers: { a: [['x']] } }) },
  {
    what: 'a header with a Symbol among its values',
    options: () => ({ headers: { a: ['x', Symbol('y')] } }),
  },
  { what: 'two Host headers', options: () => ({ headers: ['host', 'a', 'Host', 'b'] }) },
  { what: 'a Host header in an array', options: () => ({ headers: { host: ['a'] } }) },
  { what: 'a Host header that opens a bracket', options: () => ({ headers: { host: '[::1' } }) },
  {
    what: 'two Content-Length headers',
    options: () => ({ headers: ['content-length', '1', 'Content-Length', '1'] }),
  },
  { what: 'Content-Length: abc', options: () => ({ headers: { 'content-length': 'abc' } }) },
  { what: 'Content-Length: -1', options: () => ({ headers: { 'content-length': '-1' } }) },
  { what: 'an empty Content-Length', options: () => ({ headers: { 'content-length': '' } }) },
  { what: 'Content-Length: null', options: () => ({ headers: { 'content-length': null } }) },
  { what: 'Content-Length in an array', options: () => ({ headers: { 'content-length': ['1'] } }) },
  { what: 'Content-Length: 1.5', options: () => ({ headers: { 'content-length': 1.5 } }) },
  { what: 'Transfer-Encoding', options: () => ({ headers: { 'Transfer-Encoding': 'chunked' } }) },
  { what: 'Keep-Alive', options: () => ({ headers: { 'keep-alive': 'timeout=5' } }) },
  { what: 'Upgrade', options: () => ({ headers: { upgrade: 'websocket' } }) },
  { what: 'Expect', options: () => ({ headers: { expect: '100-continue' } }) },
  { what: 'an empty Connection header', options: () => ({ headers: { connection: '' } }) },
  { what: 'a Connection header that is null', options: () => ({ headers: { connection: null } }) },
  { what: 'a Connection header that is no token', options: () => ({ headers: { connection: 'a b' } }) },
  {
    what: 'a Connection header with an empty token',
    options: () => ({ headers: { connection: 'close,,x' } }),
  },
  { what: 'a Connection header in an array', options: () => ({ headers: { connection: ['close'] } }) },
  { what: 'headers whose iterator throws', options: () => ({ headers: THROWING_ITERATOR }) },
  {
    what: 'headers of which one is bad before the iterator throws',
    options: () => ({
      headers: {
        *[Symbol.iterator]() {
          yield ['a b', '1'];
          throw new Error('iterator');
        },
      },
    }),
  },
  {
    what: 'headers with a getter that throws',
    options: () => ({
      headers: {
        get a() {
          throw new Error('header getter');
        },
      },
    }),
  },
  {
    what: 'an option that throws',
    options: () => ({
      get body() {
        throw new Error('option getter');
      },
    }),
  },
  { what: 'headers with an iterator that is none', options: () => ({ headers: { [Symbol.iterator]: 5 } }) },
  { what: 'a path before a method', options: () => ({ path: 5, method: 5 }) },
  { what: 'a method before an upgrade', options: () => ({ method: 5, upgrade: {} }) },
  { what: 'an upgrade before timeouts', options: () => ({ upgrade: {}, headersTimeout: -1 }) },
  { what: 'headersTimeout before bodyTimeout', options: () => ({ headersTimeout: -1, bodyTimeout: -1 }) },
  { what: 'bodyTimeout before reset', options: () => ({ reset: 5, bodyTimeout: -1 }) },
  { what: 'reset before expectContinue', options: () => ({ reset: 5, expectContinue: 5 }) },
  { what: 'expectContinue before throwOnError', options: () => ({ throwOnError: 5, expectContinue: 5 }) },
  { what: 'throwOnError before maxRedirections', options: () => ({ throwOnError: 5, maxRedirections: 5 }) },
  {
    what: 'maxRedirections before typeOfService',
    options: () => ({ typeOfService: -5, maxRedirections: 5 }),
  },
  { what: 'typeOfService before a body', options: () => ({ typeOfService: -5, body: 5 }) },
  { what: 'a body before headers', options: () => ({ headers: 5, body: 5 }) },
  { what: 'a body before a query', options: () => ({ path: '/?', query: { a: 1 }, body: 5 }) },
  { what: 'a query before headers', options: () => ({ path: '/?', query: { a: 1 }, headers: 5 }) },
  { what: 'a header before an odd array’s last', options: () => ({ headers: ['a b', '1', 'c'] }) },
  {
    what: 'a path before headers that throw',
    options: () => ({ path: 5, headers: THROWING_ITERATOR }),
  },
  { what: 'a path before a header', options: () => ({ path: 5, headers: { 'a b': 'x' } }) },
  { what: 'a body before a header', options: () => ({ body: 5, headers: { 'a b': 'x' } }) },
  { what: 'options before a handler', options: () => ({ path: 5 }), handler: () => ({ onResponseStart: 5 }) },
  {
    what: 'headers before a handler',
    options: () => ({ headers: { 'a b': 'x' } }),
    handler: () => ({ onResponseStart: 5 }),
  },
  {
    what: 'a handler before a Host header that opens a bracket',
    options: () => ({ headers: { host: '[::1' } }),
    handler: () => ({ onResponseStart: 5 }),
  },
  { what: 'the option dispatcher', options: () => ({ dispatcher: {} }) },
  { what: 'no origin', options: () => ({ origin: undefined }) },
  { what: 'an origin that is a number', options: () => ({ origin: 5 }) },
  { what: 'an empty origin', options: () => ({ origin: '' }) },
  { what: 'an origin that is an object', options: () => ({ origin: { hostname: 'a', protocol: 'http:' } }) },
  { what: 'an origin that is no URL', options: () => ({ origin: 'nonsense' }) },
  { what: 'an origin that is not http', options: () => ({ origin: 'ftp://orders.prod' }) },
  { what: 'an origin that is a URL and not http', options: () => ({ origin: new URL('ftp://orders.prod') }) },
  { what: 'an origin that is a blob', options: () => ({ origin: new URL('blob:http://orders.prod/5') }) },
  { what: 'an origin with a path', options: () => ({ origin: 'http://orders.prod/path' }) },
  { what: 'an origin with a query', options: () => ({ origin: 'http://orders.prod/?a' }) },
  { what: 'an origin with a hash', options: () => ({ origin: 'http://orders.prod/#a' }) },
  { what: 'an origin before a path', options: () => ({ origin: 'http://orders.prod/#a', path: 5 }) },
  { what: 'a port that is none', options: () => ({ origin: 'http://orders.prod:70000' }) },
  ...['onBodySent', 'onRequestSent', 'onResponseStart', 'onResponseData', 'onResponseEnd'].map((name) => ({
    what: `a handler whose ${name} is a number`,
    handler: () => ({ [name]: 5 }),
  })),
  ...['onResponseStart', 'onResponseData', 'onResponseEnd'].map((name) => ({
    what: `a handler without ${name}`,
    handler: () => ({ [name]: undefined }),
  })),
  { what: 'a handler whose onBodySent is null', handler: () => ({ onBodySent: null }) },
  { what: 'an upgrade without onRequestUpgrade', options: () => ({ upgrade: 'x' }) },
  { what: 'CONNECT without onRequestUpgrade', options: () => ({ method: 'CONNECT', path: 'a:80' }) },
];

/** What is odd, and undici lets through. */
export const ODD: readonly Given[] = [
  { what: 'nothing but what is needed' },
  { what: 'an absolute URL for a path', options: () => ({ path: 'http://elsewhere/x' }) },
  { what: 'a path in latin1', options: () => ({ path: '/\u00ff' }) },
  { what: 'a method in lower case', options: () => ({ method: 'get' }) },
  { what: 'headers: null', options: () => ({ headers: null }) },
  { what: 'no headers in an array', options: () => ({ headers: [] }) },
  { what: 'no headers in an object', options: () => ({ headers: {} }) },
  {
    what: 'headers without a prototype',
    options: () => ({ headers: Object.assign(Object.create(null), { a: '1' }) }),
  },
  {
    what: 'headers of which some are of a prototype',
    options: () => ({ headers: Object.assign(Object.create({ inherited: '1' }), { own: '2' }) }),
  },
  { what: 'headers with a Symbol for a name', options: () => ({ headers: { [Symbol('a')]: '1', b: '2' } }) },
  {
    what: 'headers that can’t be enumerated',
    options: () => ({ headers: Object.defineProperty({ a: '1' }, 'b', { value: '2' }) }),
  },
  {
    what: 'headers with a getter',
    options: () => ({
      headers: {
        get a() {
          return '1';
        },
      },
    }),
  },
  {
    what: 'headers in a Map',
    options: () => ({
      headers: new Map([
        ['X-A', '1'],
        ['b', '2'],
      ]),
    }),
  },
  {
    what: 'headers in a Headers',
    options: () => ({
      headers: new Headers([
        ['X-A', '1'],
        ['b', '2'],
        ['b', '3'],
      ]),
    }),
  },
  { what: 'headers in a Set of pairs', options: () => ({ headers: new Set([['X-A', '1']]) }) },
  {
    what: 'headers of a generator',
    options: () => ({
      headers: (function* () {
        yield ['a', '1'];
      })(),
    }),
  },
  {
    what: 'headers with an iterator and names',
    options: () => ({
      headers: {
        a: '1',
        *[Symbol.iterator]() {
          yield ['b', '2'];
        },
      },
    }),
  },
  {
    what: 'headers in a class',
    options: () => ({
      headers: new (class {
        a = '1';
        get b() {
          return '2';
        }
      })(),
    }),
  },
  { what: 'headers in a Proxy', options: () => ({ headers: new Proxy({ a: '1' }, {}) }) },
  { what: 'headers as undici wrote them', options: () => ({ headers: ['X-A', '1', 'x-a', '2'] }) },
  {
    what: 'a header that is undefined, with any name',
    options: () => ({ headers: { 'a b': undefined, b: '1' } }),
  },
  { what: 'a header that is null', options: () => ({ headers: { a: null } }) },
  { what: 'a header that is empty', options: () => ({ headers: { a: '' } }) },
  { what: 'a header that is a number', options: () => ({ headers: { a: 5, b: 0, c: Number.NaN } }) },
  { what: 'a header that is a boolean', options: () => ({ headers: { a: true, b: false } }) },
  { what: 'a header that is a BigInt', options: () => ({ headers: { a: 5n } }) },
  {
    what: 'a header that is a function',
    options: () => ({ headers: { a: Object.assign(() => {}, { toString: () => 'text' }) } }),
  },
  { what: 'a header with several values', options: () => ({ headers: { a: ['1', 2, null, false], b: [] } }) },
  { what: 'a header with several values in an array', options: () => ({ headers: ['a', ['1', '2']] }) },
  { what: 'a header with a tab', options: () => ({ headers: { a: 'b\tc' } }) },
  { what: 'a header in latin1', options: () => ({ headers: { a: '\u00ff' } }) },
  { what: 'a Host header', options: () => ({ headers: { Host: 'elsewhere:99' } }) },
  { what: 'an empty Host header', options: () => ({ headers: { host: '' } }) },
  {
    what: 'a Content-Length that is a number',
    options: () => ({ method: 'POST', body: 'abc', headers: { 'content-length': 3 } }),
  },
  { what: 'a Content-Length without a body', options: () => ({ headers: { 'content-length': '0' } }) },
  { what: 'Connection: close', options: () => ({ headers: { connection: 'close' } }) },
  { what: 'Connection: keep-alive, x', options: () => ({ headers: { connection: 'keep-alive, X-A' } }) },
  { what: 'reset: true', options: () => ({ reset: true }) },
  { what: 'reset: null', options: () => ({ reset: null }) },
  { what: 'maxRedirections: 0', options: () => ({ maxRedirections: 0 }) },
  { what: 'throwOnError: null', options: () => ({ throwOnError: null }) },
  { what: 'expectContinue: false', options: () => ({ expectContinue: false }) },
  { what: 'typeOfService: 0', options: () => ({ typeOfService: 0 }) },
  { what: 'timeouts of 0', options: () => ({ headersTimeout: 0, bodyTimeout: 0 }) },
  { what: 'timeouts: null', options: () => ({ headersTimeout: null, bodyTimeout: null }) },
  { what: 'an empty upgrade', options: () => ({ upgrade: '' }) },
  { what: 'upgrade: false', options: () => ({ upgrade: false }) },
  { what: 'blocking, idempotent of any kind', options: () => ({ blocking: 'x', idempotent: 0 }) },
  { what: 'an empty query', options: () => ({ path: '/a', query: {} }) },
  { what: 'an empty query beside a path with ?', options: () => ({ path: '/a?b', query: '' }) },
  {
    what: 'a query',
    options: () => ({ path: '/a', query: { a: 1, b: ['x', 'y'], c: null, d: undefined, 'e f': 'ü' } }),
  },
  { what: 'a query that is an array', options: () => ({ path: '/a', query: ['x', 'y'] }) },
  { what: 'a query that is a string', options: () => ({ path: '/a', query: 'x=1' }) },
  { what: 'an option that undici has not', options: () => ({ more: 5, retry: {} }) },
  { what: 'options that are inherited', options: () => Object.create({ path: '/inherited' }) },
  { what: 'a body in a string', options: () => ({ method: 'POST', body: 'ü' }) },
  { what: 'an empty body', options: () => ({ method: 'POST', body: '' }) },
  { what: 'a body of a GET', options: () => ({ body: 'abc' }) },
  { what: 'a body in a Buffer', options: () => ({ method: 'POST', body: Buffer.from('abc') }) },
  {
    what: 'a body in a view',
    options: () => ({ method: 'POST', body: new Uint16Array([97, 98]).subarray(1) }),
  },
  {
    what: 'a body in a DataView',
    options: () => ({ method: 'POST', body: new DataView(new ArrayBuffer(2)) }),
  },
  {
    what: 'a body in an ArrayBuffer',
    options: () => ({ method: 'POST', body: new Uint8Array([97]).buffer }),
  },
  { what: 'an empty ArrayBuffer', options: () => ({ method: 'POST', body: new ArrayBuffer(0) }) },
  {
    what: 'a body in a Blob',
    options: () => ({ method: 'POST', body: new Blob(['abc'], { type: 'text/x' }) }),
  },
  { what: 'a body in an array', options: () => ({ method: 'POST', body: ['a', 'b'] }) },
  { what: 'a body in a stream', options: () => ({ method: 'POST', body: Readable.from(['a', 'b']) }) },
  {
    what: 'a body of an async generator',
    options: () => ({
      method: 'POST',
      body: (async function* () {
        yield 'a';
      })(),
    }),
  },
  {
    what: 'a body in a ReadableStream',
    options: () => ({ method: 'POST', body: new Blob(['abc']).stream() }),
  },
  {
    what: "a body in undici's FormData",
    options: () => {
      const body = new FormData();
      body.set('a', 'b');
      return { method: 'POST', body };
    },
  },
  {
    what: 'a body in URLSearchParams',
    options: () => ({ method: 'POST', body: new URLSearchParams('a=b') }),
  },
  {
    what: 'a handler with more than is needed',
    handler: () => ({ onBodySent() {}, onRequestSent() {}, onResponseStarted() {} }),
  },
];
