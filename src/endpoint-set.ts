import type { EndpointAddress } from './discovery/resolver.ts';
import { Endpoint, type EndpointOwner } from './endpoint.ts';
import { isSameEndpoint } from './endpoint-keys.ts';
import type { RetireReason } from './retire-reason.ts';
import { channels } from './telemetry/channels.ts';

/** The endpoints of a service: those of the present set, and those of earlier ones that still carry something. */
export class EndpointSet {
  /** The present ones, by what tells them apart. */
  readonly current = new Map<string, Endpoint>();
  /** Those of the set before, where they serve until this one is connected. */
  readonly superseded = new Set<Endpoint>();
  readonly #leaving = new Set<Endpoint>();
  readonly #owner: EndpointOwner;

  constructor(owner: EndpointOwner) {
    this.#owner = owner;
  }

  /** Whether one of the present endpoints is connected. */
  get isConnected(): boolean {
    for (const { connected } of this.current.values()) if (connected > 0) return true;
    return false;
  }

  /** Whether no endpoint has a connection, not even one that drains. */
  get isClosed(): boolean {
    for (const { connections } of this) if (connections.size > 0) return false;
    return true;
  }

  /** All that may have connections. */
  *[Symbol.iterator](): Generator<Endpoint> {
    yield* this.current.values();
    yield* this.superseded;
    yield* this.#leaving;
  }

  /** Makes `infos` the present set. Endpoints that stay are kept; says which are new, and which have gone. */
  replace(infos: Map<string, EndpointAddress>): { fresh: Endpoint[]; gone: Endpoint[] } {
    const gone: Endpoint[] = [];
    for (const [key, endpoint] of this.current) {
      const info = infos.get(key);
      if (info !== undefined && isSameEndpoint(endpoint.info, info)) {
        endpoint.info = info;
      } else {
        this.current.delete(key);
        gone.push(endpoint);
      }
    }
    const fresh: Endpoint[] = [];
    for (const [key, info] of infos) {
      if (this.current.has(key)) continue;
      const endpoint = new Endpoint(key, info, this.#owner);
      this.current.set(key, endpoint);
      fresh.push(endpoint);
      const { origin, address } = endpoint;
      if (channels.endpointAdd.hasSubscribers) channels.endpointAdd.publish({ origin, address });
    }
    return { fresh, gone };
  }

  /** Retires the connections of an endpoint, and forgets it when the last has closed. */
  drain(endpoint: Endpoint, reason: RetireReason): void {
    this.superseded.delete(endpoint);
    this.#leaving.add(endpoint);
    endpoint.drain(reason);
    this.forgetIfClosed(endpoint);
    const { origin, address } = endpoint;
    if (channels.endpointRemove.hasSubscribers) channels.endpointRemove.publish({ origin, address, reason });
  }

  forgetIfClosed(endpoint: Endpoint): void {
    if (endpoint.connections.size === 0) this.#leaving.delete(endpoint);
  }
}
