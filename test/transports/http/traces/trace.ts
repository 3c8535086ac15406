import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/** Whose request something happens for: events have to come in the context in which the request was made. */
export const caller = new AsyncLocalStorage<string>();

/** What a `data` listener, or its absence, changes: these are not events of anybody's. */
const UNSAID = new Set(['newListener', 'removeListener', 'readable', 'pause', 'resume', 'prefinish']);
const OF_SOCKETS = ['lookup', 'connect', 'secureConnect', 'ready', 'timeout', 'end', 'close', 'agentRemove'];

/** All that callers of node:http get to know, in order. */
export class Trace {
  readonly entries: string[] = [];
  readonly #requests = new Map<string, ClientRequest>();
  readonly #sockets: Socket[] = [];
  /** Listeners of ours on sockets. */
  readonly #undo: (() => void)[] = [];
  #data = new Map<string, string>();

  note(entry: string): void {
    this.entries.push(entry);
  }

  /** Writes down what a request, its response and its socket emit from now on. */
  follow(request: ClientRequest, label: string): void {
    this.#requests.set(label, request);
    this.#listen(request, label, (event, args) => {
      const [first] = args;
      if (event === 'response' || event === 'upgrade' || event === 'connect')
        this.#followResponse(first as IncomingMessage, label);
      if (event === 'socket') this.#followSocket(first as Socket, label);
    });
  }

  /** What is true of a request when all is over. */
  conclude(): void {
    for (const [label, request] of this.#requests) {
      const { destroyed, writableEnded, writableFinished, reusedSocket, host, method, path, protocol } =
        request;
      const error = request.errored === null ? 'none' : gist(request.errored);
      this.note(
        `${label} in the end: ${JSON.stringify({ destroyed, writableEnded, writableFinished, reusedSocket, host, method, path, protocol, error, aborted: request.aborted, headersSent: request.headersSent })}`,
      );
    }
    for (const undo of this.#undo) undo();
  }

  #followResponse(response: IncomingMessage, label: string): void {
    const { statusCode, statusMessage, httpVersion, rawHeaders } = response;
    const { req, socket } = response as IncomingMessage & { req: ClientRequest };
    this.note(
      `${label} head: HTTP/${httpVersion} ${statusCode} ${statusMessage} ${JSON.stringify(rawHeaders).slice(0, 200)}, of this request: ${req === this.#requests.get(label)}, ${addressed(socket)}`,
    );
    this.#listen(response, `${label} response`, (event) => {
      if (event !== 'close' && event !== 'end') return;
      const { complete, aborted, destroyed, readableEnded, trailers } = response;
      this.note(
        `${label} response is ${JSON.stringify({ complete, aborted, destroyed, readableEnded, trailers })}`,
      );
    });
  }

  #followSocket(socket: Socket, label: string): void {
    this.note(`${label} has ${JSON.stringify(stateOf(socket))}`);
    if (this.#sockets.includes(socket)) return;
    this.#sockets.push(socket);
    const name = `socket ${this.#sockets.length}`;
    for (const event of OF_SOCKETS) {
      const listener = (...args: unknown[]) => this.note(`${name} '${event}' ${args.map(gist).join()}`);
      socket.on(event, listener);
      this.#undo.push(() => socket.off(event, listener));
    }
  }

  /** By its `emit`, as tracers do: a listener of ours would change what happens. */
  #listen(emitter: EventEmitter, label: string, onEvent: (event: string, args: unknown[]) => void): void {
    const emit: Emit = emitter.emit;
    emitter.emit = (event, ...args) => {
      if (typeof event === 'string' && !UNSAID.has(event)) {
        if (event === 'data') this.#addData(label, args[0]);
        else this.note(`${label} '${event}' ${args.map(gist).join()} for ${caller.getStore() ?? 'nobody'}`);
        onEvent(event, args);
      }
      return emit.call(emitter, event, ...args);
    };
  }

  /** One entry for all data of a response, at the first of it: how it is cut is the network's affair. */
  #addData(label: string, chunk: unknown): void {
    const before = this.#data.get(label) ?? '';
    const text = before + String(chunk);
    this.#data.set(label, text);
    const entry = (data: string) =>
      `${label} 'data' ${data.length > 60 ? `${data.length} bytes` : JSON.stringify(data)} for ${caller.getStore() ?? 'nobody'}`;
    const last = this.entries.lastIndexOf(entry(before));
    if (before === '' || last < 0) this.note(entry(text));
    else this.entries[last] = entry(text);
  }
}

/** What matters of an argument of an event. */
export function gist(value: unknown): string {
  if (value instanceof Error) {
    const { name, message, code, syscall } = value as NodeJS.ErrnoException;
    return `${name} ${code} ${message}${syscall === undefined ? '' : ` (${syscall})`}`;
  }
  if (value === null || typeof value !== 'object') return String(value);
  if (Buffer.isBuffer(value)) return `Buffer of ${value.length}`;
  if (Array.isArray(value)) return JSON.stringify(value);
  if (value.constructor === Object) return JSON.stringify(value);
  return value.constructor.name;
}

function addressed(socket: Socket): string {
  return `from ${socket.remoteAddress} over IPv${socket.remoteFamily?.slice(-1)}`;
}

function stateOf(socket: Socket): object {
  const { destroyed, timeout, readyState, authorized, encrypted } = socket as TLSSocket;
  // A socket that has not connected yet says that it is open for both.
  const state = readyState === 'opening' ? 'open' : readyState;
  return { class: socket.constructor.name, destroyed, timeout: timeout ?? 0, state, authorized, encrypted };
}
