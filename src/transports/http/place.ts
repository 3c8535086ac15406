import type { NodeRequest, NodeSocket } from './node-http.ts';
import type { StandIn } from './stand-in.ts';

/** A place within the limits of an agent. A request has it until it has ended. */
export interface Place {
  /** After how many milliseconds without a byte requests of its agent emit `'timeout'`; 0: never. */
  readonly timeout: number;
  /** By how many milliseconds an idle connection ends before its server would end it. */
  readonly buffer: number;
  /** Lists the request as waiting, or its stand-in as its socket. */
  list(request: NodeRequest, standIn: StandIn): void;
  unlist(request: NodeRequest, standIn: StandIn): void;
  /** Lists the socket as one in use. */
  give(socket: NodeSocket): void;
  takeBack(socket: NodeSocket): void;
  /** The request has ended, so the place is free. */
  leave(): void;
}
