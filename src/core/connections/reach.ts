import type { Clock } from '../base/clock.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { BACKING_OFF, COLD, FROZEN } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';

/** Milliseconds for which an answer shows that an address is still a pod's. */
const PROOF = 1_000;

/**
 * Which endpoints may be dialled. Where what is known of them may be out of date, only what has been heard of a moment
 * ago is: an address that was withdrawn may be another pod's by now.
 */
export class Reach {
  readonly #set: EndpointSet<Pod>;
  readonly #clock: Clock;

  constructor(set: EndpointSet<Pod>, clock: Clock) {
    this.#set = set;
    this.#clock = clock;
  }

  /** While frozen, only what is heard of is dialled: the rest is known too long, or was withdrawn. */
  freeze(frozen: boolean): void {
    if (frozen === this.#set.frozen) return;
    this.#set.frozen = frozen;
    for (const endpoint of this.#set) this.mayReach(endpoint);
  }

  /** An endpoint has answered a request that was sent at that time. */
  onAnswer(endpoint: Pod, sentAt: number): void {
    endpoint.onAnswer(sentAt);
    if (this.#set.frozen) this.mayReach(endpoint);
  }

  /**
   * Whether the address of an endpoint is still its own, for all we know. One that has answered a moment ago, and has
   * not closed its connections since, is: addresses are not given away that fast.
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

  /** The same for one that is to have requests of all kinds, as others. */
  mayDialNext(endpoint: Pod): boolean {
    if ((endpoint.reasons & (COLD | BACKING_OFF)) !== 0) return false;
    return endpoint.requestRoom > endpoint.dialing + endpoint.overdue && this.mayDial(endpoint);
  }

  /** Whether a connection that closes could be replaced, for all we know. */
  mayReplace(endpoint: Pod): boolean {
    const { connected, aging, dialing, dialFailures } = endpoint;
    if (!this.mayReach(endpoint) || dialFailures > 0) return false;
    // Where dials are under way, or might not be allowed any more in a moment, only one that has succeeded shows it.
    return connected > aging || (dialing === 0 && !this.#set.frozen);
  }
}
