import { channels } from '../base/channels.ts';
import type { RetireReason } from '../connections/retire-reason.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import { changedPart } from './changed-part.ts';
import { Endpoint, type EndpointOwner } from './endpoint.ts';
import { type EndpointUpdate, endpointsByKey, isSameEndpoint, slotsByKey } from './endpoint-keys.ts';

/** What an update has made of a set of endpoints. */
export interface SetChange {
  readonly fresh: Endpoint[];
  readonly gone: Endpoint[];
  /** What has come leads to the Service by another way than what has gone: its ClusterIP, or its pods. */
  readonly takeover: boolean;
}

/** The endpoints of a service, by what they are: those of the present set, and those of earlier ones that still carry something. */
export class EndpointSet {
  /** The present ones, by what tells them apart: pods, or slots of a virtual IP. */
  readonly current = new Map<string, Endpoint>();
  /** The pods behind a virtual IP, by name, where responses name them. */
  readonly pods = new Map<string, Endpoint>();
  /** Those of the set before, where they serve until this one is connected. */
  readonly superseded = new Set<Endpoint>();
  readonly #leaving = new Set<Endpoint>();
  readonly #connected = new Set<Endpoint>();
  readonly #owner: EndpointOwner;
  #virtual: boolean | undefined;
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

  /** Whether any is connected that serves. */
  get isConnected(): boolean {
    if (this.#connected.size > 0) return true;
    for (const { connected } of this.pods.values()) if (connected > 0) return true;
    return false;
  }

  /** Whether a connection of HTTP/2 will have room for many in a moment. */
  get isOpening(): boolean {
    for (const { opening } of this.#connected) if (opening !== undefined) return true;
    for (const { opening } of this.pods.values()) if (opening !== undefined) return true;
    return false;
  }

  /** Whether no endpoint has a connection, not even one that drains. */
  get isClosed(): boolean {
    for (const { connections } of this) if (connections.size > 0) return false;
    return true;
  }

  /** Whether the present ones are slots of a virtual IP. */
  get isVirtual(): boolean {
    return this.#virtual === true;
  }

  /** Whether it is known which pod a connection leads to. */
  get seesPods(): boolean {
    return !this.isVirtual || this.pods.size > 0;
  }

  /** Those that requests are counted by: the pods behind a virtual IP where any is known, or else the present ones. */
  get known(): Iterable<Endpoint> {
    return this.pods.size > 0 ? this.pods.values() : this.current.values();
  }

  /** How long idle connections last, of each of the present ones that has said so. */
  *keepAlives(): Generator<number> {
    for (const { keepAlive } of this.current.values()) if (keepAlive !== undefined) yield keepAlive;
  }

  /** All that may have connections, each once. */
  *[Symbol.iterator](): Generator<Endpoint> {
    yield* this.current.values();
    yield* this.superseded;
    yield* this.#leaving;
    for (const pod of this.pods.values()) {
      // Pods behind a virtual IP are known by name until their last connection has closed.
      if (!this.superseded.has(pod) && !this.#leaving.has(pod)) yield pod;
    }
  }

  /** Whether an endpoint is a pod, or a slot of a virtual IP; `undefined`: it is not in the present set. */
  kindOf(endpoint: Endpoint): 'pod' | 'slot' | undefined {
    const { identity, key } = endpoint;
    if (identity !== undefined) return this.pods.get(identity) === endpoint ? 'pod' : undefined;
    if (this.current.get(key) !== endpoint) return undefined;
    return this.isVirtual ? 'slot' : 'pod';
  }

  /** Makes the endpoints of `update` the present set. Those that stay are kept. */
  replace({ endpoints, virtual }: EndpointUpdate, spread: number): SetChange {
    const takeover = this.current.size > 0 && virtual !== this.#virtual;
    this.#virtual = virtual;
    const part = virtual || !this.#plain ? undefined : changedPart(this.#addresses, endpoints, this.current);
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
    return { fresh, gone, takeover };
  }

  /** An endpoint has its first connection, or has lost its last. */
  onConnectivity(endpoint: Endpoint): void {
    if (endpoint.connected === 0) this.#connected.delete(endpoint);
    else if (this.current.get(endpoint.key) === endpoint) this.#connected.add(endpoint);
  }

  /** Empties the present set. Says which endpoints may have served until now: they are to be drained. */
  clear(): Endpoint[] {
    const all = [...this.current.values(), ...this.superseded, ...this.pods.values()];
    this.current.clear();
    this.#connected.clear();
    this.#addresses = [];
    this.#plain = true;
    return all;
  }

  /** Retires the connections of an endpoint, and forgets it when the last has closed. */
  drain(endpoint: Endpoint, reason: RetireReason): void {
    this.superseded.delete(endpoint);
    this.#leaving.add(endpoint);
    endpoint.drain(reason);
    if (endpoint.connections.size === 0) this.#leaving.delete(endpoint);
    const { origin, address } = endpoint;
    if (channels.endpointRemove.hasSubscribers) channels.endpointRemove.publish({ origin, address, reason });
  }

  /** Forgets an endpoint that has left, and a pod behind a virtual IP, without connections. Whether it was such a pod. */
  forgetIfClosed(endpoint: Endpoint): boolean {
    if (endpoint.connections.size > 0) return false;
    this.#leaving.delete(endpoint);
    return endpoint.identity !== undefined && this.pods.delete(endpoint.identity);
  }
}
