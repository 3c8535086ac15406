// On which connection a client has written a request: undici's own channel tells, and requests of node:http do. What happened to that
// very connection is all that may excuse it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** A request that was written. */
export interface Write {
  readonly call: number;
  readonly at: number;
}

interface Message {
  readonly request: { readonly path: string };
  readonly socket: Socket;
}

/** A connection as its client has it. */
interface ClientEnd {
  readonly connectedAt: number;
  readonly writes: Write[];
}

/** A connection as its server has it. */
export interface ServerEnd {
  readonly address: string;
  readonly port: number;
  readonly clientPort: number;
  readonly closedAt: number | undefined;
}

/** Of the connections of this process, by addresses and ports: in the order in which these had them. */
const clientEnds = new Map<string, ClientEnd[]>();
const known = new WeakMap<Socket, ClientEnd>();

// Those that wait for a first request, which a Client does not know of, count as well.
subscribe('net.client.socket', (message) => {
  const { socket } = message as Message;
  socket.once('connect', () => endOf(socket));
});
subscribe('undici:client:connected', (message) => endOf((message as Message).socket));
subscribe('undici:client:sendHeaders', (message) => {
  const { request, socket } = message as Message;
  const call = Number(/^\/?c(\d+)/.exec(request.path)?.[1]);
  if (!Number.isNaN(call)) wrote(call, socket);
});

/** A request is written now, or as soon as its socket is connected. */
export function wrote(call: number, socket: Socket): void {
  if (socket.connecting) socket.once('connect', () => wrote(call, socket));
  else endOf(socket).writes.push({ call, at: performance.now() });
}

function endOf(socket: Socket): ClientEnd {
  let end = known.get(socket);
  if (end !== undefined) return end;
  end = { connectedAt: performance.now(), writes: [] };
  known.set(socket, end);
  const key = `${socket.remoteAddress}:${socket.remotePort}<${socket.localPort}`;
  const ends = clientEnds.get(key);
  if (ends === undefined) clientEnds.set(key, [end]);
  else ends.push(end);
  return end;
}

/**
 * What was written on a connection, of which this is the server's end. It is told once, and of connections in the order
 * in which they were made: the kernel gives the port of one that has closed to another.
 */
export function takeWrites({ address, port, clientPort, closedAt }: ServerEnd): readonly Write[] {
  const key = `${address}:${port}<${clientPort}`;
  const [first, ...others] = clientEnds.get(key) ?? [];
  // Its client has given up before it knew of the connection.
  if (first === undefined || (closedAt !== undefined && closedAt < first.connectedAt)) return [];
  if (others.length === 0) clientEnds.delete(key);
  else clientEnds.set(key, others);
  return first.writes;
}

/** In whose context something happens: the call's id. */
export const callContext = new AsyncLocalStorage<number>();

/** What undici's channels have said about one call. */
export class Trace {
  created = 0;
  failed = 0;
  /** It was created in the context of another call, or of none. */
  astray = false;
  /** It was told of one failure more than once. */
  repeated = false;
  readonly #errors = new Set<unknown>();

  fail(error: unknown): void {
    this.failed++;
    this.repeated ||= this.#errors.has(error);
    this.#errors.add(error);
  }
}

interface Traced {
  readonly request: { readonly path: string; readonly origin: string | URL };
}

/** Listens to what tracers listen to, for one origin: others don't notice but for their speed. */
export class Tracer {
  readonly traces = new Map<number, Trace>();
  readonly #port: string;

  constructor(port: number) {
    this.#port = String(port);
    subscribe('undici:request:create', this.#onCreate);
    subscribe('undici:request:error', this.#onError);
  }

  stop(): void {
    unsubscribe('undici:request:create', this.#onCreate);
    unsubscribe('undici:request:error', this.#onError);
  }

  readonly #onCreate = (message: unknown): void => {
    const call = this.#callOf(message as Traced);
    if (call === undefined) return;
    const trace = this.#traceOf(call);
    trace.created++;
    if (callContext.getStore() !== call) trace.astray = true;
  };

  readonly #onError = (message: unknown): void => {
    const call = this.#callOf(message as Traced);
    if (call !== undefined) this.#traceOf(call).fail((message as { error: unknown }).error);
  };

  #callOf({ request }: Traced): number | undefined {
    const [, id] = /^\/?c(\d+)/.exec(request.path) ?? [];
    return id !== undefined && new URL(request.origin).port === this.#port ? Number(id) : undefined;
  }

  #traceOf(call: number): Trace {
    const trace = this.traces.get(call) ?? new Trace();
    this.traces.set(call, trace);
    return trace;
  }
}
