import type { Timer } from '../../core/base/clock.ts';
import { grpcTimeoutOf } from '../common/grpc-timeout.ts';
import type { Attempt } from './attempts.ts';
import type { CallListener, Metadata, StatusObject, SubchannelCall, WriteContext } from './grpc-js.ts';
import { type CallStart, isStreamRefused, startCall } from './session.ts';

/** How many times a call is sent again at most. grpc-js may send it once more by itself. */
const MOST = 5;
/** For how many milliseconds a refused call waits for a connection at most. */
const PATIENCE = 10_000;
/** The metadata that tells a server how long the caller waits. */
const TIMEOUT = 'grpc-timeout';
/** Longer timeouts, in milliseconds, can't be told to a server: the value has at most eight digits. */
const MOST_TOLD = 1e8;

/** The result of a search for an endpoint. `waiting`: none takes the call now, but one may soon. `failing`: none will. */
export type Found = Attempt | 'waiting' | 'failing';

/** The channel, as calls that may be sent again see it. */
export interface Sender {
  /** The time, on the clock. */
  now(): number;
  /** Begins an attempt of a call. */
  attempt(metadata: Metadata): Found;
  /** A call waits, and is sent again when there may be a connection. `onOver`: it has waited for too long. */
  strand(call: ResentCall, patience: number, onOver: () => void): Timer;
  /** A call no longer waits. */
  unstrand(call: ResentCall): void;
  /** Whether a call may keep so many more bytes, beside those that it keeps. If so, they are counted. */
  keep(bytes: number, kept: number): boolean;
  /** A call no longer keeps these bytes. */
  release(bytes: number): void;
}

/**
 * A call that is sent again if its server refuses it by ending the connection. The server has said that it did not look
 * at the call, so this is safe for any call. grpc-js does it once. But if servers end many connections, the second
 * connection may end like the first.
 *
 * `sent`: a server has it, until the server answers or refuses. `stranded`: it was refused, and waits until an endpoint
 * takes it. `committed`: it isn't sent again, because the server has begun to answer, the caller has given it up, or
 * there is no room to keep its messages. `ended`.
 */
export class ResentCall implements SubchannelCall {
  #state: 'sent' | 'stranded' | 'committed' | 'ended' = 'sent';
  readonly #sender: Sender;
  readonly #start: CallStart;
  readonly #listener: CallListener;
  #child: SubchannelCall;
  #resends = 0;
  /** When its caller gives it up, on the clock; the server was told how long that is. */
  readonly #deadline: number | undefined;
  #messages: Message[] = [];
  /** How many bytes of messages are kept, and whether all messages are. */
  #kept = 0;
  #isKept = true;
  #isReading = false;
  #isHalfClosed = false;
  #refusal: StatusObject | undefined = undefined;
  #patience: Timer | undefined = undefined;

  /** @throws what grpc-js throws if the call can't be sent at all */
  constructor(attempt: Attempt, sender: Sender, start: CallStart, listener: CallListener) {
    this.#sender = sender;
    this.#start = start;
    this.#listener = listener;
    const [told] = start.metadata.get(TIMEOUT);
    const timeout = grpcTimeoutOf(told);
    this.#deadline = timeout && sender.now() + timeout;
    this.#child = this.#send(attempt);
  }

  #send(attempt: Attempt): SubchannelCall {
    const listener = this.#listener;
    const child = startCall(attempt.subchannel, this.#start, {
      onReceiveMetadata: (metadata) => {
        this.#commit();
        listener.onReceiveMetadata(metadata);
      },
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveStatus: (status) => {
        const isRefused = attempt.end(status.code, status.details, status.metadata);
        if (isRefused && isStreamRefused(child) && this.#state === 'sent') this.#onRefused(status);
        else this.#end(status);
      },
    });
    attempt.onCallStarted();
    return child;
  }

  #onRefused(status: StatusObject): void {
    this.#refusal = status;
    if (this.#resends < MOST) this.sendAgain();
    else this.#end(status);
  }

  /** Looks for an endpoint, and sends the call to it. */
  sendAgain(): void {
    const attempt = this.#sender.attempt(this.#start.metadata);
    if (attempt === 'waiting') this.#strand();
    else if (attempt === 'failing') this.#end(this.#refusal!);
    else this.#resend(attempt);
  }

  #resend(attempt: Attempt): void {
    this.#unstrand();
    this.#state = 'sent';
    this.#resends++;
    this.#tellTimeLeft();
    try {
      this.#child = this.#send(attempt);
    } catch {
      // Its connection has ended in this very moment.
      this.#onRefused(this.#refusal!);
      return;
    }
    if (this.#isReading) this.#child.startRead();
    for (const message of this.#messages) this.#child.sendMessageWithContext(message, message.content);
    if (this.#isHalfClosed) this.#child.halfClose();
    if (!this.#isKept) this.#commit();
  }

  /** Tells the next server how long the caller still waits, so that it doesn't work for longer. */
  #tellTimeLeft(): void {
    if (this.#deadline === undefined) return;
    const left = Math.max(1, Math.ceil(this.#deadline - this.#sender.now()));
    if (left < MOST_TOLD) this.#start.metadata.set(TIMEOUT, `${left}m`);
  }

  #strand(): void {
    this.#state = 'stranded';
    this.#patience ??= this.#sender.strand(this, PATIENCE, () => this.giveUp());
  }

  #unstrand(): void {
    if (this.#patience === undefined) return;
    this.#sender.unstrand(this);
    this.#patience.cancel();
    this.#patience = undefined;
  }

  /** No endpoint takes the call in time, so its caller gets the refusal. */
  giveUp(): void {
    if (this.#state === 'stranded') this.#end(this.#refusal!);
  }

  #commit(): void {
    this.#state = 'committed';
    this.#messages = [];
    this.#sender.release(this.#kept);
    this.#kept = 0;
  }

  #end(status: StatusObject): void {
    if (this.#state === 'ended') return;
    this.#unstrand();
    this.#commit();
    this.#state = 'ended';
    this.#listener.onReceiveStatus(status);
  }

  // What the caller does

  sendMessageWithContext(context: WriteContext, content: Buffer): void {
    if (this.#state === 'committed' || this.#state === 'ended') {
      this.#child.sendMessageWithContext(context, content);
      return;
    }
    const message = new Message(context, content);
    this.#messages.push(message);
    this.#isKept &&= this.#sender.keep(content.length, this.#kept);
    if (this.#isKept) this.#kept += content.length;
    if (this.#state === 'stranded') return;
    this.#child.sendMessageWithContext(message, content);
    if (!this.#isKept) this.#commit();
  }

  startRead(): void {
    this.#isReading = true;
    if (this.#state !== 'stranded') this.#child.startRead();
  }

  halfClose(): void {
    this.#isHalfClosed = true;
    if (this.#state !== 'stranded') this.#child.halfClose();
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#state === 'stranded') {
      const { metadata } = this.#refusal!;
      this.#end({ code, details, metadata });
    } else {
      // Its refusal may be on its way.
      this.#commit();
      this.#child.cancelWithStatus(code, details);
    }
  }

  getPeer(): string {
    return this.#child.getPeer();
  }

  getCallNumber(): number {
    return this.#child.getCallNumber();
  }

  getDeadlineInfo(): string[] {
    return this.#child.getDeadlineInfo();
  }

  getAuthContext(): unknown {
    return this.#child.getAuthContext();
  }
}

/** A message of the caller, who is told once that it was written, even if it is written several times. */
class Message implements WriteContext {
  readonly content: Buffer;
  readonly flags: number | undefined;
  #isWritten = false;
  readonly #context: WriteContext;

  constructor(context: WriteContext, content: Buffer) {
    this.#context = context;
    this.flags = context.flags;
    this.content = content;
  }

  callback(error?: Error | null): void {
    if (this.#isWritten) return;
    this.#isWritten = true;
    this.#context.callback?.(error);
  }
}
