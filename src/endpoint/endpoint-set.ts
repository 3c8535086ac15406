import type { RetireReason } from '../connection/retire-reason.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import { channels } from '../telemetry/channels.ts';
import { changedRange } from './changed-range.ts';
import { Endpoint, type EndpointOwner } from './endpoint.ts';
import { type EndpointUpdate, endpointsByKey, isSameEndpoint, slotsByKey } from './endpoint-keys.ts';

/** The endpoints of a service: those of the present set, and those of earlier ones that still carry something. */
export class EndpointSet {
  /** The present ones, by what tells them apart. */
  readonly current = new Map<string, Endpoint>();
  /** Those of the set before, where they serve until this one is connected. */
  readonly superseded = new Set<Endpoint>();
  readonly #leaving = new Set<Endpoint>();
  readonly #connected = new Set<Endpoint>();
  readonly #owner: EndpointOwner;
  /** What the present set was made from. */
  #addresses: readonly EndpointAddress[] = [];
  /** Whether each of those is an endpoint of its own. */
  #plain = true;

  constructor(owner: EndpointOwner) {
    this.#owner = owner;
  }

  /** Those of the present ones that are connected. */
  get connected(): Iterable<Endpoint> {
    return this.#connected;
  }

  get isConnected(): boolean {
    return this.#connected.size > 0;
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

  /** Makes the endpoints of `update` the present set. Those that stay are kept; says which are new, and which have gone. */
  replace({ endpoints, virtual }: EndpointUpdate, spread: number): { fresh: Endpoint[]; gone: Endpoint[] } {
    const part = virtual ? undefined : this.#changedPart(endpoints);
    const before = part?.before ?? this.current;
    const after = part?.after ?? (virtual ? slotsByKey(endpoints, spread) : endpointsByKey(endpoints));
    const gone: Endpoint[] = [];
    for (const [key, endpoint] of before) {
      const info = after.get(key);
      if (info !== undefined && isSameEndpoint(endpoint.info, info)) {
        endpoint.info = info;
      } else {
        this.current.delete(key);
        this.#connected.delete(endpoint);
        gone.push(endpoint);
      }
    }
    const fresh: Endpoint[] = [];
    for (const [key, info] of after) {
      if (this.current.has(key)) continue;
      const endpoint = new Endpoint(key, info, this.#owner);
      this.current.set(key, endpoint);
      fresh.push(endpoint);
      const { origin, address } = endpoint;
      if (channels.endpointAdd.hasSubscribers) channels.endpointAdd.publish({ origin, address });
    }
    // A copy: a resolver may go on with its own.
    this.#addresses = [...endpoints];
    this.#plain = !virtual && this.current.size === endpoints.length;
    return { fresh, gone };
  }

  /**
   * The part of the present set that isn't made from the very objects in `endpoints`, and what is in its
   * place. A resolver of thousands of endpoints hands most of them out again. None where it isn't as simple as that.
   */
  #changedPart(endpoints: readonly EndpointAddress[]) {
    if (!this.#plain) return undefined;
    const { start, endBefore, endAfter } = changedRange(this.#addresses, endpoints);
    const before = new Map<string, Endpoint>();
    for (const key of endpointsByKey(this.#addresses.slice(start, endBefore)).keys()) {
      before.set(key, this.current.get(key)!);
    }
    const after = endpointsByKey(endpoints.slice(start, endAfter));
    // One that is also in the other part is there twice.
    for (const key of after.keys()) if (this.current.has(key) && !before.has(key)) return undefined;
    return { before, after };
  }

  /** An endpoint has its first connection, or has lost its last. */
  onConnectivity(endpoint: Endpoint): void {
    if (endpoint.connected === 0) this.#connected.delete(endpoint);
    else if (this.current.get(endpoint.key) === endpoint) this.#connected.add(endpoint);
  }

  /** Empties the present set. */
  clear(): void {
    this.current.clear();
    this.#connected.clear();
    this.#addresses = [];
    this.#plain = true;
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
