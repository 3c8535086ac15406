import type { GrpcEndpoint } from './grpc-endpoint.ts';
import type { Link } from './link.ts';

/** The links of one channel to one endpoint: usually one, and its successor while that is made. */
export class Lane {
  readonly endpoint: GrpcEndpoint;
  readonly links: Link[] = [];
  /** Whether the last dial failed. */
  isDown = false;
  /** How many calls wait for one more connection. */
  waiting = 0;

  constructor(endpoint: GrpcEndpoint) {
    this.endpoint = endpoint;
  }

  /**
   * The link that takes a call: the one with the fewest calls, if it has room. A link that has reached its age only if
   * there is no other.
   */
  get best(): Link | undefined {
    const { links } = this;
    const [first] = links;
    if (links.length === 1) return first!.isReady ? first : undefined;
    let best: Link | undefined;
    for (const link of links) if (link.isReady && (best === undefined || isBetter(link, best))) best = link;
    return best;
  }

  get isReady(): boolean {
    for (const link of this.links) if (link.isReady) return true;
    return false;
  }

  /** Whether a connection is being made that may be there soon. */
  get isConnecting(): boolean {
    return this.links.some(({ state }) => state === 'connecting' || state === 'idle');
  }

  /** Whether one more connection can probably be made, because the last one could. */
  get takesDials(): boolean {
    return this.links.every(({ state }) => state !== 'down');
  }

  /** How many calls fit into the connections that are being made, if they have the limits of the present ones. */
  get roomToCome(): number {
    let coming = 0;
    let limit = Number.POSITIVE_INFINITY;
    for (const { isComing, state, slot } of this.links) {
      if (isComing) coming++;
      else if (state === 'ready') limit = Math.min(limit, slot.limit);
    }
    return coming === 0 ? 0 : coming * limit;
  }
}

function isBetter({ slot }: Link, { slot: other }: Link): boolean {
  if (slot.aging !== other.aging) return other.aging;
  return slot.inFlight < other.inFlight;
}
