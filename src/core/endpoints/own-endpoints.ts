import type { EndpointUpdate } from '../discovery/resolver.ts';
import { formatAddress } from './endpoint-keys.ts';
import type { Subset } from './subset.ts';

/** Times as many endpoints as are this client's that it uses while none of its own can be reached: it may be the network that is down. */
const FURTHEST = 8;

/** Which endpoints of those that there are this client uses: all, or its subset, and others while none of these can be reached. */
export class OwnEndpoints {
  readonly #subset: Subset | undefined;
  /** How many times as many it uses at present. */
  #times = 1;
  #update: EndpointUpdate | undefined;

  /** @param subset `undefined`: it uses all */
  constructor(subset: Subset | undefined) {
    this.#subset = subset;
  }

  /** Whether it has been said which endpoints there are, be it none. */
  get isKnown(): boolean {
    return this.#update !== undefined;
  }

  /** The last update. */
  get current(): EndpointUpdate | undefined {
    return this.#update;
  }

  /** What of an update is this client's to use. */
  of(update: EndpointUpdate): EndpointUpdate {
    this.#update = update;
    if (this.#subset === undefined || update.virtual) return update;
    return { ...update, endpoints: this.#subset(update.endpoints, formatAddress, this.#times) };
  }

  /** None of the `size` endpoints that it uses can be reached: says of which update it is to use more, if there are any. */
  widen(size: number): EndpointUpdate | undefined {
    const update = this.#update;
    if (this.#subset === undefined || update === undefined || update.virtual) return undefined;
    if (this.#times >= FURTHEST || size >= update.endpoints.length) return undefined;
    this.#times *= 2;
    return update;
  }

  /** An endpoint can be reached. If it is this client's own, says of which update it is to leave others to their clients. */
  narrow(address: string): EndpointUpdate | undefined {
    if (this.#times === 1) return undefined;
    const own = this.#subset!(this.#update!.endpoints, formatAddress);
    if (!own.some((endpoint) => formatAddress(endpoint) === address)) return undefined;
    this.#times = 1;
    return this.#update;
  }
}
