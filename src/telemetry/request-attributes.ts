import type { Attempt } from '../core/calls/call.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import type { Outcome } from '../core/health/outcome.ts';
import { type Attributes, peerAttributes } from './metrics.ts';

/** The methods that the convention knows. There could be any number of others. */
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

/** A number for each outcome, from which `of` makes a key. */
const OUTCOMES: Readonly<Record<Outcome, number>> = {
  success: 0,
  rejected: 1,
  failure: 2,
  timeout: 3,
  expired: 4,
  cancelled: 5,
  refused: 6,
};

/** The attributes of requests with the same method, by status, outcome and protocol. */
type Kinds = Map<number, Attributes>;

/**
 * The attributes of requests to one origin, as https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ defines
 * them. Equal attributes are the same object, which is found without creating anything.
 */
export class RequestAttributes {
  readonly #server: Attributes;
  /** By endpoint, or by `undefined` for all endpoints. */
  readonly #known = new Map<Endpoint | undefined, Map<string, Kinds>>();

  constructor(server: Attributes) {
    this.#server = server;
  }

  /** @param peer the endpoint, if metrics tell endpoints apart */
  of({ call, connection, statusCode }: Attempt, outcome: Outcome, peer: Endpoint | undefined): Attributes {
    const { method: given } = call;
    const method = METHODS.has(given) ? given : '_OTHER';
    const multiplexed = connection?.multiplexed === true;
    const kind = 16 * statusCode + 2 * OUTCOMES[outcome] + Number(multiplexed);
    const kinds = this.#kindsOf(peer, method);
    let attributes = kinds.get(kind);
    if (attributes === undefined) {
      const error = statusCode >= 400 ? String(statusCode) : outcome === 'success' ? undefined : outcome;
      attributes = {
        ...this.#server,
        'http.request.method': method,
        ...(statusCode >= 200 && { 'http.response.status_code': statusCode }),
        ...(error !== undefined && { 'error.type': error }),
        'network.protocol.version': multiplexed ? '2' : '1.1',
        ...(peer && peerAttributes(peer)),
      };
      kinds.set(kind, attributes);
    }
    return attributes;
  }

  #kindsOf(peer: Endpoint | undefined, method: string): Kinds {
    let methods = this.#known.get(peer);
    if (methods === undefined) this.#known.set(peer, (methods = new Map()));
    let kinds = methods.get(method);
    if (kinds === undefined) methods.set(method, (kinds = new Map()));
    return kinds;
  }

  /** Forgets the attributes of endpoints that have gone. */
  *forget(isThere: (endpoint: Endpoint | undefined) => boolean): Iterable<Attributes> {
    for (const [endpoint, methods] of this.#known) {
      if (isThere(endpoint)) continue;
      this.#known.delete(endpoint);
      for (const kinds of methods.values()) yield* kinds.values();
    }
  }
}
