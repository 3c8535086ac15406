import type { Attributes } from './metrics.ts';

/** What is published when an attempt has ended. */
export interface RequestEnd {
  readonly origin: string;
  readonly address: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly method: string;
  readonly statusCode: number;
  readonly outcome: string;
  readonly protocol: 'h1' | 'h2';
}

/** Those that the convention knows; of others there might be any number. */
const METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

/**
 * The attributes of the requests to one origin, as https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ has them.
 * The same are the same object.
 */
export class RequestAttributes {
  readonly #server: Attributes;
  readonly #byEndpoint: boolean;
  readonly #known = new Map<string, { address: string; attributes: Attributes }>();

  constructor(server: Attributes, byEndpoint: boolean) {
    this.#server = server;
    this.#byEndpoint = byEndpoint;
  }

  of(request: RequestEnd): Attributes {
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const { statusCode, outcome, protocol } = request;
    const address = this.#byEndpoint ? request.address : '';
    const key = `${method}${statusCode}${outcome}${protocol}${address}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known.attributes;
    const error = statusCode >= 400 ? String(statusCode) : outcome === 'success' ? undefined : outcome;
    const attributes: Attributes = {
      ...this.#server,
      'http.request.method': method,
      ...(statusCode >= 200 && { 'http.response.status_code': statusCode }),
      ...(error !== undefined && { 'error.type': error }),
      'network.protocol.version': protocol === 'h2' ? '2' : '1.1',
      ...(this.#byEndpoint && peerIn(address)),
    };
    this.#known.set(key, { address, attributes });
    return attributes;
  }

  /** Forgets those of endpoints that have gone. */
  *forget(isThere: (address: string) => boolean): Iterable<Attributes> {
    for (const [key, { address, attributes }] of this.#known) {
      if (isThere(address)) continue;
      this.#known.delete(key);
      yield attributes;
    }
  }
}

/** @param address `ip:port` */
function peerIn(address: string): Attributes {
  const end = address.lastIndexOf(':');
  return {
    'network.peer.address': address.slice(0, end).replace(/^\[|\]$/g, ''),
    'network.peer.port': Number(address.slice(end + 1)),
  };
}
