import type { Timer } from '../../core/base/clock.ts';
import type { Attempt } from './attempts.ts';
import type { CallListener, Metadata, StatusObject, SubchannelCall, WriteContext } from './grpc-js.ts';
import { type CallStart, startCall } from './session.ts';

/** How often a call is sent again at most. What grpc-js does by itself comes on top of it. */
const MOST = 5;
/** Bytes of messages that are kept for that, at most: as many as grpc-js keeps for its own retries. */
const MOST_KEPT = 1 << 20;
/** Milliseconds that a refused call waits for a connection at most. */
const PATIENCE = 10_000;

/** What comes of looking for an endpoint. `waiting`: none takes the call now, but one may soon. `failing`: none does. */
export type Found = Attempt | 'waiting' | 'failing';

/** A channel, as the calls see it that are sent again. */
export interface Sender {
  /** Begins an attempt of a call. */
  attempt(metadata: Metadata): Found;
  /** A call waits, and is to be sent again when that may have changed. `onOver`: it has done so for too long. */
  strand(call: ResentCall, patience: number, onOver: () => void): Timer;
  /** It waits no more. */
  unstrand(call: ResentCall): void;
}

/**
 * A call that is sent again where its server refuses it by ending the connection. The server has said that it did not look at
 * it, so that it is safe to do so, whatever the call. grpc-js does this once; but where servers end connections all the time,
 * the second connection may end like the first.
 *
 * `sent`: to a server. Left when it answers, or refuses.
 * `stranded`: refused, while there was nobody else. Left when there is.
 * `committed`: the server has begun to answer, the caller has given it up, or its messages are too long to be kept. It is not
 *   sent again.
 * `ended`.
 */
export class ResentCall implements SubchannelCall {
  #state: 'sent' | 'stranded' | 'committed' | 'ended' = 'sent';
  readonly #sender: Sender;
  readonly #start: CallStart;
  readonly #listener: CallListener;
  #child: SubchannelCall;
  #resends = 0;
  #messages: Message[] = [];
  #kept = 0;
  #isReading = false;
  #isHalfClosed = false;
  #refusal: StatusObject | undefined = undefined;
  #patience: Timer | undefined = undefined;

  /** @throws what grpc-js throws if the call can't be sent at all */
  constructor(attempt: Attempt, sender: Sender, start: CallStart, listener: CallListener) {
    this.#sender = sender;
    this.#start = start;
    this.#listener = listener;
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
        if (isRefused && this.#state === 'sent') this.#onRefused(status);
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

  /** Sends it to whom it is to go to now. */
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

  /** Nobody is there for it: the caller hears of the refusal. */
  giveUp(): void {
    if (this.#state === 'stranded') this.#end(this.#refusal!);
  }

  #commit(): void {
    this.#state = 'committed';
    this.#messages = [];
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
    this.#kept += content.length;
    if (this.#state === 'stranded') return;
    this.#child.sendMessageWithContext(message, content);
    if (this.#kept > MOST_KEPT) this.#commit();
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

/** A message of the caller's, which hears once that it was written, be it written several times. */
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
