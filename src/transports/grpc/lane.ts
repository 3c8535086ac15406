import type { GrpcEndpoint } from './grpc-endpoint.ts';
import type { Link } from './link.ts';

/** The links of one channel to one endpoint: as a rule one, and the next one while that is made. */
export class Lane {
  readonly endpoint: GrpcEndpoint;
  readonly links: Link[] = [];
  /** The last dial failed, and none has succeeded since. */
  isDown = false;
  /** Calls that wait for one more connection. */
  waiting = 0;

  constructor(endpoint: GrpcEndpoint) {
    this.endpoint = endpoint;
  }

  /** The link that takes a call: of those with room, the one with the fewest; one whose time is over, for want of others. */
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

  /** Whether a connection is made that may be there in a moment. */
  get isConnecting(): boolean {
    return this.links.some(({ state }) => state === 'connecting' || state === 'idle');
  }

  /** Whether one more connection may well be made: the last one could. */
  get takesDials(): boolean {
    return this.links.every(({ state }) => state !== 'down');
  }

  /** How many calls fit into the connections that are being made, at the limits of those that there are. */
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
