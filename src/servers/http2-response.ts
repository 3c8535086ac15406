import type { ServerHttp2Stream } from 'node:http2';
import { IDENTITY_HEADER } from '../core/base/identity-header.ts';
import { podName } from './pod-name.ts';

type Respond = (this: ServerHttp2Stream, ...args: unknown[]) => unknown;

/** The methods that answer a stream, and which argument of each is the headers. */
const WAYS = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/**
 * Makes HTTP/2 responses name this process, if `isToName` returns true for their stream. Changes the methods that all
 * streams of servers inherit.
 */
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
    // Not enumerable, like a method of a class.
    Object.defineProperty(prototype, way, { value, configurable: true, writable: true, enumerable: false });
  }
}

/** The headers with the name, in the form that they have. Unchanged if they have a name already. */
function named(headers: unknown = {}): unknown {
  // Node throws its own error for them.
  if (typeof headers !== 'object' || headers === null) return headers;
  if (Array.isArray(headers)) {
    const isNamed = headers.some((name, n) => n % 2 === 0 && String(name).toLowerCase() === IDENTITY_HEADER);
    if (isNamed) return headers;
    const copy = [...headers, IDENTITY_HEADER, podName()];
    // A symbol says which headers are sensitive.
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
