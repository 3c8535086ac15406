import type { NodeRequest, NodeSocket } from './node-http.ts';
import type { StandIn } from './stand-in.ts';

/** What a request holds at its agent until it has ended: a place among those that the agent's limits allow. */
export interface Place {
  /** Milliseconds without a byte after which the requests of its agent say so; 0: never. */
  readonly timeout: number;
  /** Milliseconds by which an idle connection ends before its server would end it. */
  readonly buffer: number;
  /** Lists the request as one that waits for a connection, or what stands for that as its socket. */
  list(request: NodeRequest, standIn: StandIn): void;
  unlist(request: NodeRequest, standIn: StandIn): void;
  /** Lists the socket as one that is in use. */
  give(socket: NodeSocket): void;
  takeBack(socket: NodeSocket): void;
  /** Frees the place, as the request has ended. */
  leave(): void;
}
