import { channels } from '../base/channels.ts';
import type { EndpointAddress, EndpointUpdate } from '../discovery/resolver.ts';
import { changedPart } from './changed-part.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointsByKey, isSameEndpoint, spreadByKey } from './endpoint-keys.ts';
import { COLD, DRAINING, OPENING, SUPERSEDED } from './reasons.ts';

/** What an update has made of a set of endpoints. */
export interface SetChange<E> {
  readonly fresh: E[];
  readonly gone: E[];
  /** What has come leads to the Service by another way than what has gone: its ClusterIP, or its pods. */
  readonly takeover: boolean;
}

/** Makes an endpoint; `identity` is the name of a pod behind a virtual IP. */
export type EndpointFactory<E> = (key: string, info: EndpointAddress, identity?: string) => E;

/** The endpoints of a service, by what they are: those of the present set, and those of earlier ones that still carry something. */
export class EndpointSet<E extends Endpoint> {
  /** The present ones, by what tells them apart: pods, or a virtual IP as often as it is to be dialled. */
  readonly current = new Map<string, E>();
  /** The pods behind a virtual IP, by name, where responses name them. */
  readonly pods = new Map<string, E>();
  /** Those of the set before, where they serve until this one is connected. */
  readonly superseded = new Set<E>();
  /** Nothing is dialled but what has just been heard of: what is known of the endpoints may be out of date. */
  frozen = false;
  /** Responses are taken to name the pods behind a virtual IP: these are what counts, then. */
  namesPods = false;
  /** Of the pods behind a virtual IP, some have no name, or more have one than may be held. */
  hasNameless = false;
  /** Something else on the way ejects, such as a mesh: nothing is held against anybody. */
  isPassive = false;
  readonly #leaving = new Set<E>();
  readonly #connected = new Set<E>();
  readonly #create: EndpointFactory<E>;
  #virtual: boolean | undefined;
  /** What the present set was made from. */
  #addresses: readonly EndpointAddress[] = [];
  /** Whether each of those is an endpoint of its own. */
  #plain = true;

  constructor(create: EndpointFactory<E>) {
    this.#create = create;
  }

  /** Those of the present ones that are connected. */
  get connected(): Iterable<E> {
    return this.#connected;
  }

  /** Whether any is connected that serves. */
  get isConnected(): boolean {
    if (this.#connected.size > 0) return true;
    for (const { connected } of this.pods.values()) if (connected > 0) return true;
    return false;
  }

  /** Whether a connection is being made that will have room for many in a moment. */
  get isOpening(): boolean {
    for (const { reasons } of this.#connected) if ((reasons & OPENING) !== 0) return true;
    for (const { reasons } of this.pods.values()) if ((reasons & OPENING) !== 0) return true;
    return false;
  }

  /** Whether the present ones stand for a virtual IP. */
  get isVirtual(): boolean {
    return this.#virtual === true;
  }

  /** Whether it is known which pod a connection leads to. */
  get seesPods(): boolean {
    return !this.isVirtual || this.pods.size > 0;
  }

  /** Those that requests are counted by: the pods behind a virtual IP where any is known, or else the present ones. */
  get known(): Iterable<E> {
    return this.pods.size > 0 ? this.pods.values() : this.current.values();
  }

  /**
   * Where the pods behind a virtual IP are `known`: the endpoints by which requests to all the others are counted. Each stands
   * for any of these.
   */
  get nameless(): Iterable<E> {
    return this.pods.size > 0 && this.hasNameless ? this.current.values() : [];
  }

  /** Those that health is about. */
  get members(): ReadonlyMap<string, E> {
    return this.namesPods ? this.pods : this.current;
  }

  /** Those of the present endpoints, and of the pods behind a virtual IP, that may serve. */
  *available(): Generator<E> {
    for (const endpoint of this.current.values()) if (endpoint.isAvailable) yield endpoint;
    for (const endpoint of this.pods.values()) if (endpoint.isAvailable) yield endpoint;
  }

  /** All that may have connections, each once. */
  *[Symbol.iterator](): Generator<E> {
    yield* this.current.values();
    yield* this.superseded;
    yield* this.#leaving;
    yield* this.pods.values();
  }

  /** Whether an endpoint is a pod, or stands for a virtual IP; `undefined`: it is not in the present set. */
  kindOf(endpoint: E): 'pod' | 'virtual' | undefined {
    const { identity, key } = endpoint;
    if (identity !== undefined) return this.pods.get(identity) === endpoint ? 'pod' : undefined;
    if (this.current.get(key) !== endpoint) return undefined;
    return this.isVirtual ? 'virtual' : 'pod';
  }

  /** Makes the endpoints of `update` the present set. Those that stay are kept. */
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
    // A copy: a resolver may go on with its own.
    this.#addresses = [...endpoints];
    this.#plain = !virtual && this.current.size === endpoints.length;
    return { fresh, gone, takeover };
  }

  /** The pod of that name behind a virtual IP, for which an endpoint stands; it is new. */
  addPod(name: string, { address, info }: E): E {
    const pod = this.#create(`${address}@${name}`, info, name);
    pod.lift(COLD);
    this.pods.set(name, pod);
    return pod;
  }

  /** An endpoint may have its first connection, or have lost its last. */
  onConnectivity(endpoint: E): void {
    if (endpoint.connected === 0) this.#connected.delete(endpoint);
    else if (this.current.get(endpoint.key) === endpoint) this.#connected.add(endpoint);
  }

  /** Empties the present set. Says which endpoints may have served until now: they are to be drained. */
  clear(): E[] {
    const all = [...this.current.values(), ...this.superseded, ...this.pods.values()];
    this.current.clear();
    this.#connected.clear();
    this.#addresses = [];
    this.#plain = true;
    return all;
  }

  /** An endpoint that has left serves on until those are connected that came in its place. */
  supersede(endpoint: E): void {
    this.#unname(endpoint);
    this.superseded.add(endpoint);
    endpoint.bar(SUPERSEDED);
  }

  /** An endpoint drains from now on, and is to be forgotten when it has nothing left. */
  drain(endpoint: E): void {
    this.#unname(endpoint);
    this.superseded.delete(endpoint);
    this.#leaving.add(endpoint);
    endpoint.bar(DRAINING);
  }

  /** Forgets an endpoint that has nothing left. Whether it was a pod behind a virtual IP. */
  forget(endpoint: E): boolean {
    this.#leaving.delete(endpoint);
    return this.#unname(endpoint);
  }

  /** A pod behind a virtual IP is known by its name no more: that name may soon be another endpoint's. */
  #unname(endpoint: E): boolean {
    const { identity } = endpoint;
    return identity !== undefined && this.pods.get(identity) === endpoint && this.pods.delete(identity);
  }
}
