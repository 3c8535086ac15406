import { isUint8Array } from 'node:util/types';
import { replaceMethod } from '../common/own-method.ts';
import { interceptNext } from './next-event.ts';
import type { NodeRequest } from './node-http.ts';

const HELD = ['write', 'end', 'flushHeaders'] as const;
type Writing = (typeof HELD)[number];
type Write = (...args: unknown[]) => unknown;

const heldOf = new WeakMap<NodeRequest, HeldWrites>();

/**
 * Holds back what is written to a request until listeners for its socket have been called. With Node's agents they are
 * called in this very tick, before any piped data comes: they set headers, or write first. Here the socket comes later,
 * and the first write would already have made the head.
 *
 * @returns the writes that are held; `undefined` if nothing more will be written, or nobody listens
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

/** Gives the held writes of a request that has ended back to it: Node reports an error to the writer. */
export function releaseHeld(request: NodeRequest): void {
  heldOf.get(request)?.release();
}

/** Writes that come before listeners for the socket are called, and go into the request right after that. */
export class HeldWrites {
  /** Called when the writes have gone into the request, before anything leaves. */
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
    const original = request[name];
    const hold: Write = (...args) => {
      const write = () => Reflect.apply(original, request, args);
      return this.#passes(name, args[0]) ? write() : this.#hold(name, args[0], write);
    };
    const restore = replaceMethod(request, name, hold);
    return () => {
      // If other code has wrapped the method meanwhile, it keeps calling this one.
      if (request[name] === hold) restore();
    };
  }

  /** Whether a write goes to Node at once: Node has an error for it, or nothing is held any more. */
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
      // The caller may read this, and so does the code that asks whether the whole body is there.
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

  /** @param toSocket whether to write to the socket, because Node won't: a listener has thrown */
  #writeAll(toSocket: boolean): void {
    const request = this.#request;
    const { socket } = request;
    const isGone = toSocket || (request._headerSent && request.outputData.length === 0);
    // They wait, like earlier writes: Node writes all of them in a moment. For a request that has ended, Node does
    // nothing.
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
