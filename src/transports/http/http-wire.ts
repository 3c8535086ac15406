import type { Socket } from 'node:net';
import type { Clock } from '../../core/base/clock.ts';
import { portsOf } from '../../core/connections/unacknowledged.ts';
import type { Carried, Wire, WireEvents } from '../../core/connections/wire.ts';
import { balancedSockets } from '../balanced-sockets.ts';
import { AgentClosedError } from './agent-closed.ts';
import { reasonOf } from './failures.ts';
import type { HttpAttempt } from './http-attempt.ts';
import { IdleTime } from './idle-time.ts';
import { giveAfter, giveAfterTurns } from './late-sends.ts';
import { type NodeSocket, resetAsyncContext } from './node-http.ts';

const NONE: Iterable<Carried> = [];

/** Milliseconds without a byte after which the kernel asks, where an answer is urgent; then it does each second. */
const URGENT = 1_000;
/** Milliseconds that it must have idled for a request whose last one ended as it was sent: it may end in the same way. */
const SETTLING = 10;

export interface HttpWireOptions {
  clock: Clock;
  /** Milliseconds that an idle one lasts, where its peer says nothing else. */
  keepAlive: number;
  /** Milliseconds without a byte after which the kernel asks the peer's whether it is there. */
  keepAliveMsecs: number;
  /** It is TLS. */
  secure: boolean;
}

/**
 * One connected socket. It is given to one request after the other, as Node's own agent does it; what becomes of each is
 * known by the events of the socket, which are seen before anybody else sees them.
 *
 * It is `parked` until its first request, and idle between requests: then a byte that comes was asked for by nobody, and
 * is no response to what is sent next.
 */
export class HttpWire implements Wire {
  readonly multiplexed = false;
  readonly full = false;
  readonly opening = false;
  readonly idleTime: IdleTime;
  /** Told when a first request was served; `undefined` from then on. */
  #onServed: (() => void) | undefined;
  #events: WireEvents | undefined = undefined;
  readonly #socket: NodeSocket;
  readonly #options: HttpWireOptions;
  /** What the socket's `emit` was before, and whether that was its own. */
  readonly #emit: (event: string, ...args: unknown[]) => boolean;
  readonly #ownEmit: boolean;
  #call: HttpAttempt | undefined = undefined;
  #parked = false;
  #used = false;
  #upgraded = false;
  #closed = false;
  #destroyedBy: Error | undefined = undefined;
  #error: Error | undefined = undefined;
  /** Its peer has ended it. */
  #ended = false;
  /** A byte came that nobody has asked for. */
  #stray = false;

  constructor(socket: Socket, options: HttpWireOptions, onServed: () => void) {
    this.#onServed = onServed;
    this.#socket = socket as NodeSocket;
    this.#options = options;
    this.idleTime = new IdleTime(options.clock, options.keepAlive, () => this.#events!.retire('idle'));
    this.#ownEmit = Object.hasOwn(socket, 'emit');
    this.#emit = socket.emit;
    balancedSockets.add(socket);
    // Between two requests nobody else listens.
    socket.on('error', noop);
    socket.emit = (event: string, ...args: unknown[]) =>
      args.length > 1 ? this.#pass(event, ...args) : this.#onEvent(event, args[0], args.length === 1);
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
    const { localPort, remotePort } = this.#socket;
    return localPort === undefined || remotePort === undefined ? undefined : portsOf(localPort, remotePort);
  }

  get carried(): Iterable<Carried> {
    return NONE;
  }

  /** What it was ended by, if it was. */
  get destroyedBy(): Error | undefined {
    return this.#destroyedBy;
  }

  park(): boolean {
    if (this.#used) return false;
    this.#parked = true;
    // It is read, so that a word nobody has asked for is noticed, and the end behind it.
    this.#socket.resume();
    this.#socket.unref();
    return true;
  }

  askKernel(urgent: boolean): void {
    if (!this.broken) this.#socket.setKeepAlive(true, urgent ? URGENT : this.#options.keepAliveMsecs);
  }

  send(call: HttpAttempt): void {
    // What can't be sent again is held up, as all of undici's requests are.
    if (this.#used && !(call.request.finished && call.repeatable)) giveAfterTurns(this, call, 1);
    else this.give(call);
  }

  /** Gives a request the socket. */
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
    // Whatever has idled may have been closed by its peer meanwhile: callers that know this send such a request again.
    call.request.reusedSocket = this.#used || this.#parked;
    const isFirst = !this.#used;
    this.#used = true;
    this.#parked = false;
    if (typeof call.highWaterMark === 'number') socket._writableState.highWaterMark = call.highWaterMark;
    socket.ref();
    resetAsyncContext(socket);
    call.onSocket(socket);
    if (isFirst && this.#options.secure) call.announceTls();
  }

  sendNextTurn(call: HttpAttempt, delay: number): void {
    // What was never used can't have been closed for having been idle.
    if (this.#used && delay > 0) giveAfter(this, call, delay);
    else if (this.#used) giveAfterTurns(this, call, 2);
    else this.give(call);
  }

  release(): void {}

  keep(): void {}

  cut(): void {}

  lose(): void {
    this.#events!.destroy(
      Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }),
    );
  }

  destroy(error: Error): void {
    this.#destroyedBy ??= error;
    // Node's agents end sockets without a word, and so are theirs.
    this.#socket.destroy(error instanceof AgentClosedError ? undefined : error);
  }

  close(): void {
    if (this.#upgraded) this.#onClosed();
    else this.#socket.destroy();
  }

  /** None that matters has more than one argument, for which no list is kept: there are ten or so for each request. */
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
        // What somebody has left behind on an idle socket has no say.
        if (this.#call === undefined) return true;
        this.#call.onTimeout();
        break;
      case 'close':
        return this.#onClose(argument);
    }
    return hasArgument ? this.#pass(event, argument) : this.#pass(event);
  }

  /** Tells those who listen to the socket. */
  #pass(event: string, ...args: unknown[]): boolean {
    return this.#emit.call(this.#socket, event, ...args);
  }

  #onData(chunk: unknown): boolean {
    const call = this.#call;
    if (call === undefined) {
      this.#stray = true;
      this.#events!.retire('closed-by-peer');
      return true;
    }
    // Its response is all there: nobody has asked for more.
    if (call.isAnswered) this.#stray = true;
    call.answering = true;
    const heard = this.#pass('data', chunk);
    if (this.#call === call) call.onRead();
    return heard;
  }

  /** Its request goes on elsewhere, and hears nothing of it. */
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
    // Whatever time its request has set.
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
    // A response that nobody read to its end at once may have left it paused.
    if (!this.#socket.readableFlowing) this.#socket.resume();
    this.idleTime.begin();
  }

  /** The socket is the caller's from now on. */
  #onUpgrade(): boolean {
    const call = this.#call;
    const socket = this.#socket;
    this.#upgraded = true;
    this.#call = undefined;
    this.idleTime.stop();
    const heard = this.#pass('agentRemove');
    if (this.#ownEmit) socket.emit = this.#emit;
    else Reflect.deleteProperty(socket, 'emit');
    socket.off('error', noop);
    call?.onUpgraded(socket);
    return heard;
  }

  #onClose(hadError: unknown): boolean {
    const call = this.#call;
    this.#call = undefined;
    this.idleTime.stop();
    // Callers may end it with any error.
    const isReset = this.#error !== undefined && reasonOf(this.#error) !== undefined;
    const byPeer = this.#ended || isReset || call?.isAnswered === true;
    this.#events!.retire(byPeer ? 'closed-by-peer' : 'error');
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
