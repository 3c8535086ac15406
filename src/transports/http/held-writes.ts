import { isUint8Array } from 'node:util/types';
import { interceptNext } from './next-event.ts';
import type { NodeRequest } from './node-http.ts';

const HELD = ['write', 'end', 'flushHeaders'] as const;
type Writing = (typeof HELD)[number];
type Write = (...args: unknown[]) => unknown;

const heldOf = new WeakMap<NodeRequest, HeldWrites>();

/**
 * Holds what is written to a request from now on until those who listen for its socket have heard of one. With Node's agents
 * they hear in this very tick, before anything of a body that is piped has come: they set headers then, or write what
 * goes first. Here the socket comes later, and the first write would have made up the head before.
 *
 * @returns what is held; `undefined` if nothing more is to be written, or nobody listens
 */
export function holdWrites(request: NodeRequest): HeldWrites | undefined {
  if (request.listenerCount('socket') === 0) return undefined;
  const held = heldOf.get(request);
  if (held !== undefined || request.finished || request.destroyed) return held;
  return new HeldWrites(request);
}

/** Whether a request has something to write, held or not. */
export function hasWrites(request: NodeRequest): boolean {
  return request.outputData.length > 0 || heldOf.get(request)?.isEmpty === false;
}

/** Gives what is held of a request that has ended to it: Node has an error for who wrote it. */
export function releaseHeld(request: NodeRequest): void {
  heldOf.get(request)?.release();
}

/** Writes that come before a request's listeners have heard of its socket, and go into it right after that. */
export class HeldWrites {
  /** Called when they have gone into the request, with all that it has to send so far, and before anything leaves. */
  onReleased: (() => void) | undefined = undefined;
  readonly #request: NodeRequest;
  readonly #writes: (() => void)[] = [];
  readonly #restore: (() => void)[];
  #holds = true;
  #isEnded = false;
  #length = 0;
  #isFull = false;

  constructor(request: NodeRequest) {
    this.#request = request;
    this.#restore = HELD.map((name) => this.#replace(name));
    heldOf.set(request, this);
    interceptNext(request, 'socket', (pass) => this.#onSocket(pass));
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  #replace(name: Writing): () => void {
    const request = this.#request as unknown as Record<Writing, Write>;
    const own = Object.getOwnPropertyDescriptor(request, name);
    const original = request[name];
    const hold: Write = (...args) => {
      const write = () => Reflect.apply(original, request, args);
      return this.#passes(name, args[0]) ? write() : this.#hold(name, args[0], write);
    };
    request[name] = hold;
    return () => {
      // Whoever has wrapped it since goes on calling it.
      if (request[name] !== hold) return;
      if (own === undefined) Reflect.deleteProperty(request, name);
      else Object.defineProperty(request, name, own);
    };
  }

  /** Whether a write is Node's affair at once: it has an error for it, or nothing is held any more. */
  #passes(name: Writing, chunk: unknown): boolean {
    const { finished, destroyed } = this.#request;
    if (!this.#holds || finished || destroyed) return true;
    if (typeof chunk === 'string' || isUint8Array(chunk)) return false;
    return name === 'write' || (name === 'end' && Boolean(chunk) && typeof chunk !== 'function');
  }

  #hold(name: Writing, chunk: unknown, write: () => void): unknown {
    const request = this.#request;
    this.#writes.push(write);
    if (name === 'flushHeaders') return undefined;
    if (name === 'end') {
      // Its caller may ask, and so does who is to know whether all of it is at hand.
      this.#isEnded = true;
      request.finished = true;
      return request;
    }
    this.#length += (chunk as string | Uint8Array).length;
    this.#isFull = request.outputSize + this.#length >= request.writableHighWaterMark;
    return !this.#isFull;
  }

  #onSocket(pass: () => boolean): boolean {
    this.#stop();
    let isThrown = true;
    try {
      const isHeard = pass();
      isThrown = false;
      return isHeard;
    } finally {
      if (this.#writes.length > 0) this.#writeAll(isThrown);
    }
  }

  release(): void {
    this.#stop();
    this.#writeAll(false);
  }

  #stop(): void {
    this.#holds = false;
    heldOf.delete(this.#request);
    for (const restore of this.#restore) restore();
    if (this.#isEnded) this.#request.finished = false;
  }

  /** @param toSocket Node writes nothing by itself, as a listener has thrown */
  #writeAll(toSocket: boolean): void {
    const request = this.#request;
    const { socket } = request;
    const isGone = toSocket || (request._headerSent && request.outputData.length === 0);
    // As what was written before, they wait: Node writes it all in a moment. With one that has ended it does nothing more.
    if (!request.destroyed && !toSocket) request.socket = null;
    try {
      for (const write of this.#writes) write();
    } finally {
      request.socket = socket;
    }
    if (!isGone) this.onReleased?.();
    if (this.#isFull && !request.finished && !request.writableNeedDrain)
      process.nextTick(() => request.emit('drain'));
  }
}
