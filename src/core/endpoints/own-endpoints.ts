import type { EndpointUpdate } from '../discovery/resolver.ts';
import { formatAddress } from './endpoint-keys.ts';
import type { Subset } from './subset.ts';

/**
 * How many times its own number of endpoints a client uses at most, while it can reach none of its own: perhaps the
 * network is down.
 */
const FURTHEST = 8;

/** Which endpoints this client uses: all, or its subset. While it can reach none of its subset, it uses others too. */
export class OwnEndpoints {
  readonly #subset: Subset | undefined;
  /** How many times its own number of endpoints it uses at present. */
  #times = 1;
  #update: EndpointUpdate | undefined;

  /** @param subset `undefined`: the client uses all */
  constructor(subset: Subset | undefined) {
    this.#subset = subset;
  }

  /** Whether discovery has said which endpoints there are, even if there are none. */
  get isKnown(): boolean {
    return this.#update !== undefined;
  }

  /** The last update. */
  get current(): EndpointUpdate | undefined {
    return this.#update;
  }

  /** The part of an update that this client uses. */
  of(update: EndpointUpdate): EndpointUpdate {
    this.#update = update;
    if (this.#subset === undefined || update.virtual) return update;
    return { ...update, endpoints: this.#subset(update.endpoints, formatAddress, this.#times) };
  }

  /**
   * None of the `size` endpoints in use can be reached. Returns the update to apply again, with more endpoints;
   * `undefined` if there are no more.
   */
  widen(size: number): EndpointUpdate | undefined {
    const update = this.#update;
    if (this.#subset === undefined || update === undefined || update.virtual) return undefined;
    if (this.#times >= FURTHEST || size >= update.endpoints.length) return undefined;
    this.#times *= 2;
    return update;
  }

  /**
   * An endpoint can be reached. If it is one of this client's own, returns the update to apply again, without the
   * others.
   */
  narrow(address: string): EndpointUpdate | undefined {
    if (this.#times === 1) return undefined;
    const own = this.#subset!(this.#update!.endpoints, formatAddress);
    if (!own.some((endpoint) => formatAddress(endpoint) === address)) return undefined;
    this.#times = 1;
    return this.#update;
  }
}
