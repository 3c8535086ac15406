// On which connection a client has written a request, which it tells by undici's own channel. What happened to that
// very connection is all that may excuse it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** A request that was written. */
export interface Write {
  readonly call: number;
  readonly at: number;
}

interface SentHeaders {
  readonly request: { readonly path: string };
  readonly socket: Socket;
}

/** Of the connections of this process, by their ends. */
const written = new Map<string, Write[]>();

subscribe('undici:client:sendHeaders', (message) => {
  const { request, socket } = message as SentHeaders;
  const call = Number(/^\/?c(\d+)/.exec(request.path)?.[1]);
  if (Number.isNaN(call)) return;
  const key = `${socket.remoteAddress}:${socket.remotePort}<${socket.localPort}`;
  const writes = written.get(key) ?? [];
  writes.push({ call, at: performance.now() });
  written.set(key, writes);
});

/** What was written on a connection, of which this is the server's end. It is told once. */
export function takeWrites(end: { address: string; port: number; clientPort: number }): readonly Write[] {
  const key = `${end.address}:${end.port}<${end.clientPort}`;
  const writes = written.get(key) ?? [];
  written.delete(key);
  return writes;
}

/** In whose context something happens: the call's id. */
export const callContext = new AsyncLocalStorage<number>();

/** What undici's channels have said about one call. */
export interface Trace {
  created: number;
  failed: number;
  /** It was created in the context of another call, or of none. */
  astray: boolean;
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
    if (call !== undefined) this.#traceOf(call).failed++;
  };

  #callOf({ request }: Traced): number | undefined {
    const [, id] = /^\/?c(\d+)/.exec(request.path) ?? [];
    return id !== undefined && new URL(request.origin).port === this.#port ? Number(id) : undefined;
  }

  #traceOf(call: number): Trace {
    const trace = this.traces.get(call) ?? { created: 0, failed: 0, astray: false };
    this.traces.set(call, trace);
    return trace;
  }
}
