import { channels } from '../base/channels.ts';
import type { EndpointAddress, EndpointUpdate } from '../discovery/resolver.ts';
import { changedPart } from './changed-part.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointsByKey, isSameEndpoint, spreadByKey } from './endpoint-keys.ts';
import { COLD, DRAINING, OPENING, SUPERSEDED } from './reasons.ts';

/** For how many milliseconds at most endpoints of the old kind serve in a takeover, while the new ones connect. */
export const TAKEOVER = 1_500;

/** How an update has changed a set of endpoints. */
export interface SetChange<E> {
  readonly fresh: E[];
  readonly gone: E[];
  /**
   * Whether the new endpoints are of another kind than the old ones: pods instead of their ClusterIP, or the other way
   * round.
   */
  readonly takeover: boolean;
}

/** Makes an endpoint; `identity` is the name of a pod behind a virtual IP. */
export type EndpointFactory<E> = (key: string, info: EndpointAddress, identity?: string) => E;

/** The endpoints of a service: those of the present set, and earlier ones that still carry something. */
export class EndpointSet<E extends Endpoint> {
  /** The present endpoints by key: pods, or the slots of a virtual IP. */
  readonly current = new Map<string, E>();
  /** The pods behind a virtual IP, by name, if responses name them. */
  readonly pods = new Map<string, E>();
  /** Endpoints of another kind that serve until the present ones are connected. */
  readonly superseded = new Set<E>();
  /** Whether the endpoints may be out of date. Then only endpoints that answered a moment ago are dialled. */
  frozen = false;
  /** Whether responses name the pods behind a virtual IP. Then balancing and health are about these pods. */
  namesPods = false;
  /** Whether some pods behind a virtual IP have no name, or more pods have names than evenkeel may hold. */
  hasNameless = false;
  /** Whether something else ejects, such as a mesh. Then evenkeel ejects nothing. */
  isPassive = false;
  readonly #leaving = new Set<E>();
  readonly #connected = new Set<E>();
  readonly #create: EndpointFactory<E>;
  #virtual: boolean | undefined;
  /** The list that the present set was made from. */
  #addresses: readonly EndpointAddress[] = [];
  /** Whether each item of this list is one endpoint. */
  #plain = true;

  constructor(create: EndpointFactory<E>) {
    this.#create = create;
  }

  /** The present endpoints that are connected. */
  get connected(): Iterable<E> {
    return this.#connected;
  }

  /** Whether any endpoint that serves is connected. */
  get isConnected(): boolean {
    if (this.#connected.size > 0) return true;
    for (const { connected } of this.pods.values()) if (connected > 0) return true;
    return false;
  }

  /** Whether a connection is being made that will have room for many requests. */
  get isOpening(): boolean {
    for (const { reasons } of this.#connected) if ((reasons & OPENING) !== 0) return true;
    for (const { reasons } of this.pods.values()) if ((reasons & OPENING) !== 0) return true;
    return false;
  }

  /** Whether the present endpoints are slots of a virtual IP. */
  get isVirtual(): boolean {
    return this.#virtual === true;
  }

  /** Whether evenkeel knows which pod a connection leads to. */
  get seesPods(): boolean {
    return !this.isVirtual || this.pods.size > 0;
  }

  /**
   * The endpoints by which requests are counted: the pods behind a virtual IP if any is known, or else the present
   * ones.
   */
  get known(): Iterable<E> {
    return this.pods.size > 0 ? this.pods.values() : this.current.values();
  }

  /**
   * If pods behind a virtual IP are `known`: the endpoints that count the requests to all other pods. Each of them
   * stands for any of these pods.
   */
  get nameless(): Iterable<E> {
    return this.pods.size > 0 && this.hasNameless ? this.current.values() : [];
  }

  /** The endpoints that health is about. */
  get members(): ReadonlyMap<string, E> {
    return this.namesPods ? this.pods : this.current;
  }

  /** The present endpoints and pods that may serve. */
  *available(): Generator<E> {
    for (const endpoint of this.current.values()) if (endpoint.isAvailable) yield endpoint;
    for (const endpoint of this.pods.values()) if (endpoint.isAvailable) yield endpoint;
  }

  /** All endpoints that may have connections, each once. */
  *[Symbol.iterator](): Generator<E> {
    yield* this.current.values();
    yield* this.superseded;
    yield* this.#leaving;
    yield* this.pods.values();
  }

  /** Whether an endpoint is a pod, or a slot of a virtual IP. `undefined`: it isn't in the present set. */
  kindOf(endpoint: E): 'pod' | 'virtual' | undefined {
    const { identity, key } = endpoint;
    if (identity !== undefined) return this.pods.get(identity) === endpoint ? 'pod' : undefined;
    if (this.current.get(key) !== endpoint) return undefined;
    return this.isVirtual ? 'virtual' : 'pod';
  }

  /** Makes the endpoints of `update` the present set. Keeps those that stay. */
  replace({ endpoints, virtual, passive = false }: EndpointUpdate, spread: number): SetChange<E> {
    this.isPassive = passive;
    const takeover = this.current.size > 0 && virtual !== this.#virtual;
    this.#virtual = virtual;
    const part = virtual || !this.#plain ? undefined : changedPart(this.#addresses, endpoints, this.current);
    const before = part?.before ?? this.current;
    const after = part?.after ?? (virtual ? spreadByKey(endpoints, spread) : endpointsByKey(endpoints));
    const gone: E[] = [];
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
    const fresh: E[] = [];
    for (const [key, info] of after) {
      if (this.current.has(key)) continue;
      const endpoint = this.#create(key, info);
      this.current.set(key, endpoint);
      fresh.push(endpoint);
      const { origin, address } = endpoint;
      if (channels.endpointAdd.hasSubscribers) channels.endpointAdd.publish({ origin, address });
    }
    // A copy, because a resolver may change its own list.
    this.#addresses = [...endpoints];
    this.#plain = !virtual && this.current.size === endpoints.length;
    return { fresh, gone, takeover };
  }

  /** Adds the pod with this name, behind the virtual IP of an endpoint. */
  addPod(name: string, { address, info }: E): E {
    const pod = this.#create(`${address}@${name}`, info, name);
    pod.lift(COLD);
    this.pods.set(name, pod);
    return pod;
  }

  /** An endpoint may have got its first connection, or lost its last. */
  onConnectivity(endpoint: E): void {
    if (endpoint.connected === 0) this.#connected.delete(endpoint);
    else if (this.current.get(endpoint.key) === endpoint) this.#connected.add(endpoint);
  }

  /** Empties the present set. Returns the endpoints that may still have connections; the caller drains them. */
  clear(): E[] {
    const all = [...this.current.values(), ...this.superseded, ...this.pods.values()];
    this.current.clear();
    this.#connected.clear();
    this.#addresses = [];
    this.#plain = true;
    return all;
  }

  /** An endpoint that has left serves until its replacements are connected. */
  supersede(endpoint: E): void {
    this.#unname(endpoint);
    this.superseded.add(endpoint);
    endpoint.bar(SUPERSEDED);
  }

  /** An endpoint drains from now on. */
  drain(endpoint: E): void {
    this.#unname(endpoint);
    this.superseded.delete(endpoint);
    this.#leaving.add(endpoint);
    endpoint.bar(DRAINING);
  }

  /** Forgets an endpoint that carries nothing. Returns whether it was a pod behind a virtual IP. */
  forget(endpoint: E): boolean {
    this.#leaving.delete(endpoint);
    return this.#unname(endpoint);
  }

  /** Forgets the name of a pod. Another endpoint may get this name soon. */
  #unname(endpoint: E): boolean {
    const { identity } = endpoint;
    return identity !== undefined && this.pods.get(identity) === endpoint && this.pods.delete(identity);
  }
}
