import type { Clock } from '../base/clock.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { BACKING_OFF, COLD, FROZEN } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';

/** For how many milliseconds an answer shows that an address still belongs to its pod. */
const PROOF = 1_000;

/**
 * Which endpoints may be dialled. If the set may be out of date, only endpoints that answered a moment ago may: an
 * address that was withdrawn may belong to another pod by now.
 */
export class Reach {
  readonly #set: EndpointSet<Pod>;
  readonly #clock: Clock;

  constructor(set: EndpointSet<Pod>, clock: Clock) {
    this.#set = set;
    this.#clock = clock;
  }

  /** While frozen, only endpoints that answered a moment ago are dialled. The set is too old, or was withdrawn. */
  freeze(frozen: boolean): void {
    if (frozen === this.#set.frozen) return;
    this.#set.frozen = frozen;
    for (const endpoint of this.#set) this.mayReach(endpoint);
  }

  /** An endpoint has answered a request that was sent at `sentAt`. */
  onAnswer(endpoint: Pod, sentAt: number): void {
    endpoint.onAnswer(sentAt);
    if (this.#set.frozen) this.mayReach(endpoint);
  }

  /**
   * Whether the address of an endpoint probably still belongs to it. That is so if it answered a moment ago, and has
   * not closed its connections since: an address isn't given to another pod that fast.
   */
  mayReach(endpoint: Pod): boolean {
    const may = !this.#set.frozen || this.#clock.now() - endpoint.heardAt < PROOF;
    endpoint.barIf(!may, FROZEN);
    return may;
  }

  /** Whether one more connection to an endpoint may be made. */
  mayDial(endpoint: Pod): boolean {
    return this.mayReach(endpoint) && endpoint.takesDials;
  }

  /** The same for an endpoint that gets requests of any kind. */
  mayDialNext(endpoint: Pod): boolean {
    if ((endpoint.reasons & (COLD | BACKING_OFF)) !== 0) return false;
    return endpoint.requestRoom > endpoint.dialing + endpoint.overdue && this.mayDial(endpoint);
  }

  /** Whether a connection that closes could probably be replaced. */
  mayReplace(endpoint: Pod): boolean {
    const { connected, aging, dialing, dialFailures } = endpoint;
    if (!this.mayReach(endpoint) || dialFailures > 0) return false;
    // If dials are under way, or may soon be forbidden, only a dial that succeeds shows it.
    return connected > aging || (dialing === 0 && !this.#set.frozen);
  }
}
