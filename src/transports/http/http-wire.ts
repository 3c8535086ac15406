import type { Socket } from 'node:net';
import type { Clock } from '../../core/base/clock.ts';
import type { Carried, Wire, WireEvents } from '../../core/connections/wire.ts';
import { balancedSockets } from '../balanced-sockets.ts';
import { PROBE_SOON, portsOfSocket, resetError } from '../common/kernel.ts';
import { replaceMethod } from '../common/own-method.ts';
import { isServed } from '../common/unasked.ts';
import { AgentClosedError } from './agent-closed.ts';
import { reasonOf } from './failures.ts';
import type { HttpAttempt } from './http-attempt.ts';
import { IdleTime } from './idle-time.ts';
import { giveAfter, giveAfterTurns } from './late-sends.ts';
import { type NodeSocket, resetAsyncContext } from './node-http.ts';

const NONE: Iterable<Carried> = [];

/**
 * If the last connection of a request ended just as it was sent, the next one must have been idle for so many
 * milliseconds.
 */
const SETTLING = 10;

export interface HttpWireOptions {
  clock: Clock;
  /** For how many milliseconds an idle connection lasts, if its peer says nothing else. */
  keepAlive: number;
  /** After how many milliseconds without a byte the kernel probes the peer. */
  keepAliveMsecs: number;
  /** Whether it uses TLS. */
  secure: boolean;
}

/**
 * One connected socket. It carries one request after another, as with Node's own agent. The wire sees each event of the
 * socket before anybody else. It is `parked` before its first request, and idle between requests. A byte that comes then
 * answers nothing, and must not answer the next request.
 */
export class HttpWire implements Wire {
  readonly multiplexed = false;
  readonly full = false;
  readonly opening = false;
  readonly idleTime: IdleTime;
  /** Called when the first request was served; `undefined` after that. */
  #onServed: (() => void) | undefined;
  #events: WireEvents | undefined = undefined;
  readonly #socket: NodeSocket;
  readonly options: HttpWireOptions;
  /** The socket's `emit` from before. */
  readonly #emit: (event: string, ...args: unknown[]) => boolean;
  #call: HttpAttempt | undefined = undefined;
  #parked = false;
  #used = false;
  #upgraded = false;
  #closed = false;
  #destroyedBy: Error | undefined = undefined;
  #error: Error | undefined = undefined;
  /** Whether its peer has ended it. */
  #ended = false;
  /** Whether a byte came that nobody asked for. */
  #stray = false;

  constructor(socket: Socket, options: HttpWireOptions, onServed: () => void) {
    this.#onServed = onServed;
    this.#socket = socket as NodeSocket;
    this.options = options;
    this.idleTime = new IdleTime(options.clock, options.keepAlive, () => this.#events!.retire('idle'));
    this.#emit = socket.emit;
    balancedSockets.add(socket);
    // Between two requests, nobody else listens.
    socket.on('error', noop);
    replaceMethod(socket, 'emit', (event: string, ...args: unknown[]) =>
      args.length > 1 ? this.#pass(event, ...args) : this.#onEvent(event, args[0], args.length === 1),
    );
  }

  open(events: WireEvents): void {
    this.#events = events;
  }

  get broken(): boolean {
    return this.#socket.destroyed || this.#ended || (this.#stray && this.#call === undefined);
  }

  get parked(): boolean {
    return this.#parked;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get ports(): string | undefined {
    return portsOfSocket(this.#socket);
  }

  get carried(): Iterable<Carried> {
    return NONE;
  }

  /** The error that ended it, if it was destroyed. */
  get destroyedBy(): Error | undefined {
    return this.#destroyedBy;
  }

  park(): boolean {
    if (this.#used) return false;
    this.#parked = true;
    // It is read, so that evenkeel notices an unexpected byte, and the end.
    this.#socket.resume();
    this.#socket.unref();
    return true;
  }

  askKernel(urgent: boolean): void {
    if (!this.broken) this.#socket.setKeepAlive(true, urgent ? PROBE_SOON : this.options.keepAliveMsecs);
  }

  send(call: HttpAttempt): void {
    // A request that can't be sent again is delayed, as undici delays all requests.
    if (this.#used && !(call.request.finished && call.repeatable)) giveAfterTurns(this, call, 1);
    else this.give(call);
  }

  /** Gives the socket to a request. */
  give(call: HttpAttempt): void {
    const isHeldUp = call.hasCrossed && this.#used && !call.request.destroyed;
    const rest = isHeldUp ? SETTLING - this.idleTime.duration : 0;
    if (rest > 0) {
      giveAfter(this, call, rest);
      return;
    }
    const socket = this.#socket;
    this.#call = call;
    this.idleTime.interrupt();
    // An idle socket may have been closed by its peer. Callers that check this flag send such a request again.
    call.request.reusedSocket = this.#used || this.#parked;
    const isFirst = !this.#used;
    this.#used = true;
    this.#parked = false;
    if (typeof call.highWaterMark === 'number') socket._writableState.highWaterMark = call.highWaterMark;
    socket.ref();
    resetAsyncContext(socket);
    call.onSocket(socket);
    if (isFirst && this.options.secure) call.announceTls();
  }

  sendNextTurn(call: HttpAttempt, delay: number): void {
    // A connection that was never used can't have been closed for being idle.
    if (this.#used && delay > 0) giveAfter(this, call, delay);
    else if (this.#used) giveAfterTurns(this, call, 2);
    else this.give(call);
  }

  release(): void {}

  keep(): void {}

  cut(): void {}

  lose(): void {
    this.#events!.destroy(resetError());
  }

  destroy(error: Error): void {
    this.#destroyedBy ??= error;
    // Node's agents destroy sockets without an error, so evenkeel does too.
    this.#socket.destroy(error instanceof AgentClosedError ? undefined : error);
  }

  close(): void {
    if (this.#upgraded) this.#onClosed();
    else this.#socket.destroy();
  }

  /** The events that matter have one argument at most. So no list is made: each request has two or more events. */
  #onEvent(event: string, argument: unknown, hasArgument: boolean): boolean {
    switch (event) {
      case 'data':
        return this.#onData(argument);
      case 'free':
        return this.#onFree();
      case 'agentRemove':
        return this.#onUpgrade();
      case 'end':
        this.#ended = true;
        if (this.#call === undefined) this.#events!.retire('closed-by-peer');
        else if (this.#call.mayLeave(undefined)) return this.#breakOff();
        break;
      case 'error':
        this.#error ??= argument as Error;
        if (this.#call?.mayLeave(this.#error)) return this.#breakOff();
        break;
      case 'timeout':
        // A listener that was left on an idle socket has no effect.
        if (this.#call === undefined) return true;
        this.#call.onTimeout();
        break;
      case 'close':
        return this.#onClose(argument);
    }
    return hasArgument ? this.#pass(event, argument) : this.#pass(event);
  }

  /** Calls the listeners of the socket. */
  #pass(event: string, ...args: unknown[]): boolean {
    return this.#emit.call(this.#socket, event, ...args);
  }

  #onData(chunk: unknown): boolean {
    const call = this.#call;
    if (call === undefined) {
      this.#stray = true;
      this.#events!.retire(isServed(chunk as Buffer) ? 'unasked-response' : 'closed-by-peer');
      return true;
    }
    // The response is complete, so nobody asked for more.
    if (call.isAnswered) this.#stray = true;
    call.answering = true;
    const heard = this.#pass('data', chunk);
    if (this.#call === call) call.onRead();
    return heard;
  }

  /** The request goes to another socket, and doesn't notice. */
  #breakOff(): boolean {
    this.#socket.destroy();
    return true;
  }

  #onFree(): boolean {
    const call = this.#call;
    if (call === undefined) return this.#pass('free');
    const socket = this.#socket;
    this.#call = undefined;
    socket._httpMessage = null;
    const heard = this.#pass('free');
    socket.unref();
    // Removes the timeout that the request has set.
    if (socket.timeout !== 0) socket.setTimeout(0);
    this.#onServed?.();
    this.#onServed = undefined;
    if (this.#stray || socket.readableLength > 0) this.#events!.retire('closed-by-peer');
    else this.#idle();
    call.onFree(socket);
    return heard;
  }

  /** Waits for the next request, for as long as its peer would. */
  #idle(): void {
    // If nobody read the response to its end at once, the socket may still be paused.
    if (!this.#socket.readableFlowing) this.#socket.resume();
    this.idleTime.begin();
  }

  /** The socket belongs to the caller from now on. */
  #onUpgrade(): boolean {
    const call = this.#call;
    const socket = this.#socket;
    this.#upgraded = true;
    this.#call = undefined;
    this.idleTime.stop();
    const heard = this.#pass('agentRemove');
    socket.emit = this.#emit;
    socket.off('error', noop);
    call?.onUpgraded(socket);
    return heard;
  }

  #onClose(hadError: unknown): boolean {
    const call = this.#call;
    this.#call = undefined;
    this.idleTime.stop();
    const isAnswered = call?.isAnswered === true;
    if (isAnswered) this.#onServed?.();
    const isReset = this.#error !== undefined && reasonOf(this.#error) !== undefined;
    this.#events!.retire(this.#ended || isReset || isAnswered ? 'closed-by-peer' : 'error');
    const pass = () => this.#pass('close', hadError);
    try {
      if (call === undefined) pass();
      else call.onClose(this.#socket, this.#error, this.#ended, pass);
    } finally {
      this.#onClosed();
    }
    return true;
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events!.onClosed();
  }
}

function noop(): void {}
