import type { Socket } from 'node:net';
import { addTo, removeFrom } from './agent-maps.ts';
import { endUnsent } from './failures.ts';
import { holdWrites } from './held-writes.ts';
import { HttpCall } from './http-call.ts';
import type { HttpService } from './http-service.ts';
import {
  type NodeAgent,
  type NodeRequest,
  type NodeSocket,
  type RequestOptions,
  serveWaiting,
} from './node-http.ts';
import type { Place } from './place.ts';
import type { StandIn } from './stand-in.ts';
import { Waiting } from './waiting.ts';

/** A request that waits for a place. */
interface Entry {
  readonly waiting: Waiting;
  readonly options: RequestOptions;
}

/**
 * The requests of one agent to one service: those that have a place within the agent's limits, and those that wait for
 * one.
 */
export class Bucket implements Place {
  readonly service: HttpService;
  readonly #agent: NodeAgent;
  /** The agent's name for this host in its maps. */
  readonly #name: string;
  readonly total: Total;
  readonly #waiting: Entry[] = [];
  #taken = 0;
  /** The sockets in use. While there are any, the agent's map has this list. */
  #inUse: Socket[] = [];

  constructor(agent: NodeAgent, service: HttpService, name: string, total: Total) {
    this.#agent = agent;
    this.service = service;
    this.#name = name;
    this.total = total;
  }

  get timeout(): number {
    return (this.#agent.options.timeout as number | undefined) || 0;
  }

  get buffer(): number {
    return this.#agent.agentKeepAliveTimeoutBuffer ?? BUFFER;
  }

  get hasRoom(): boolean {
    return this.#taken < this.#agent.maxSockets && this.total.taken < this.#agent.maxTotalSockets;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes a request. It is sent in the next tick, because callers and tracers add headers until then. */
  add(request: NodeRequest, options: RequestOptions): void {
    if (this.hasRoom && !this.isWaiting) this.#take(request, options);
    else {
      this.#wait(request, options);
      this.serve();
    }
  }

  #take(request: NodeRequest, options: RequestOptions): void {
    this.#taken++;
    this.total.taken++;
    process.nextTick(start, this, request, options);
  }

  #wait(request: NodeRequest, options: RequestOptions): void {
    const waiting = new Waiting(request, {
      clock: this.service.clock,
      // With Node's agents, no time counts before a request has a socket.
      timeout: 0,
      onDestroyed: () => {
        this.#forget(entry);
        waiting.run(() => endUnsent(request));
      },
    });
    const entry = { waiting, options };
    this.#waiting.push(entry);
    this.list(request);
  }

  #forget(entry: Entry): void {
    this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    entry.waiting.stop();
    this.unlist(entry.waiting.request);
  }

  /** Gives places to waiting requests while there are any: more than one if a limit was raised. */
  serve(): void {
    for (let [first] = this.#waiting; first !== undefined && this.hasRoom; [first] = this.#waiting) {
      this.#forget(first);
      const { waiting, options } = first;
      waiting.run(() => this.#take(waiting.request, options));
    }
  }

  /** Ends the requests that wait for a place. */
  failAll(error: Error): void {
    for (const entry of [...this.#waiting]) {
      this.#forget(entry);
      const { waiting } = entry;
      waiting.run(() => endUnsent(waiting.request, error));
    }
  }

  // The place of a request

  leave(): void {
    this.#taken--;
    this.total.taken--;
    if (this.isWaiting) this.serve();
    else this.total.onFree();
    // Requests that were left to Node wait for a place of the agent too.
    if (this.#agent.maxSockets !== Number.POSITIVE_INFINITY && !this.total.ownsAgent) {
      serveWaiting(this.#agent, this.#name);
    }
  }

  list(request: NodeRequest, standIn?: StandIn): void {
    // If Node finds a request in this map, it serves the request with its own sockets.
    if (this.total.ownsAgent) addTo(this.#agent.requests, this.#name, request);
    else if (standIn !== undefined) addTo(this.#agent.sockets, this.#name, standIn.socket);
  }

  unlist(request: NodeRequest, standIn?: StandIn): void {
    if (this.total.ownsAgent) removeFrom(this.#agent.requests, this.#name, request);
    else if (standIn !== undefined) removeFrom(this.#agent.sockets, this.#name, standIn.socket);
  }

  give(socket: NodeSocket): void {
    // The map may have a list of Node's own, or of a service with the same name that has ended.
    if (this.#inUse.length === 0) this.#inUse = this.#agent.sockets[this.#name] ??= this.#inUse;
    this.#inUse.push(socket);
  }

  takeBack(socket: NodeSocket): void {
    const sockets = this.#inUse;
    const index = sockets.indexOf(socket);
    if (index === -1) return;
    // Their order doesn't matter.
    const last = sockets.pop()!;
    if (index < sockets.length) sockets[index] = last;
    if (sockets.length === 0) delete this.#agent.sockets[this.#name];
  }
}

/** The places that an agent has given, in all its buckets. */
export interface Total {
  taken: number;
  /** Whether only evenkeel sends requests of this agent. */
  readonly ownsAgent: boolean;
  /** Whether a request belongs on a connection that only its agent uses. Its headers may have been set since it was made. */
  isBound(request: NodeRequest, options: RequestOptions): boolean;
  /** A place is free that this bucket doesn't need. */
  onFree(): void;
  /** Takes a request again whose service has ended meanwhile, or that is bound. */
  retake(request: NodeRequest, options: RequestOptions): void;
}

/** By how many milliseconds Node ends an idle connection before the server would. */
const BUFFER = 1_000;

function start(bucket: Bucket, request: NodeRequest, options: RequestOptions): void {
  if (request.destroyed) {
    bucket.leave();
    endUnsent(request);
    return;
  }
  const { service, total } = bucket;
  const held = holdWrites(request);
  if (service.ended || total.isBound(request, options)) {
    bucket.leave();
    total.retake(request, options);
  } else service.take(new HttpCall(request, service, bucket, held, options.highWaterMark));
}
