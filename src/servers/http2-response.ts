import type { ServerHttp2Stream } from 'node:http2';
import { IDENTITY_HEADER } from '../core/base/identity-header.ts';
import { podName } from './pod-name.ts';

type Respond = (this: ServerHttp2Stream, ...args: unknown[]) => unknown;

/** The ways in which a stream is answered, and where each of them takes the headers. */
const WAYS = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/** Has responses of HTTP/2 name this process, if `isToName` wants it of their stream: changes what all streams of servers inherit. */
export function nameHttp2Responses(
  stream: ServerHttp2Stream,
  isToName: (stream: ServerHttp2Stream) => boolean,
): void {
  const prototype = Object.getPrototypeOf(stream) as Record<string, Respond>;
  for (const [way, index] of Object.entries(WAYS)) {
    const respond = prototype[way];
    if (respond === undefined) continue;
    const value: Respond = function (...args) {
      if (this.headersSent || this.destroyed || !isToName(this)) return respond.apply(this, args);
      const rest = [...args];
      rest[index] = named(args[index]);
      return respond.apply(this, rest);
    };
    Object.defineProperty(value, 'name', { value: respond.name, configurable: true });
    Object.defineProperty(value, 'length', { value: respond.length, configurable: true });
    // As a method of a class is: not among the keys of a stream.
    Object.defineProperty(prototype, way, { value, configurable: true, writable: true, enumerable: false });
  }
}

/** Headers with the name among them, in the form that they have, unless they have one. */
function named(headers: unknown = {}): unknown {
  // Node has an error for it.
  if (typeof headers !== 'object' || headers === null) return headers;
  if (Array.isArray(headers)) {
    const isNamed = headers.some((name, n) => n % 2 === 0 && String(name).toLowerCase() === IDENTITY_HEADER);
    if (isNamed) return headers;
    const copy = [...headers, IDENTITY_HEADER, podName()];
    // Which of them are sensitive stands beside them, by a symbol.
    return Object.defineProperties(copy, symbolsOf(headers));
  }
  const given = headers as Record<string, unknown>;
  const isNamed = Object.keys(given).some((name) => name.toLowerCase() === IDENTITY_HEADER);
  return isNamed ? given : { ...given, [IDENTITY_HEADER]: podName() };
}

function symbolsOf(value: object): PropertyDescriptorMap {
  const symbols = Object.getOwnPropertySymbols(value);
  return Object.fromEntries(
    symbols.map((symbol) => [symbol, Object.getOwnPropertyDescriptor(value, symbol)!]),
  );
}
