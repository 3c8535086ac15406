import type { Duplex } from 'node:stream';
import { UnresponsiveError } from '../../src/core/base/errors.ts';
import { Call } from '../../src/core/calls/call.ts';
import type { Calls } from '../../src/core/calls/calls.ts';
import type { Refusal, RetryReason } from '../../src/core/calls/settings.ts';
import type { Outcome } from '../../src/core/health/outcome.ts';
import type { Actor, Due } from './agenda.ts';
import { codeOf, type PlayedCall, type Reply } from './played.ts';
import type { SimulatedWire } from './wire.ts';
import { failure, type World } from './world.ts';

/** What a caller asks for. */
export interface Asked {
  readonly repeatable: boolean;
  readonly lasting: boolean;
  readonly upgrades: boolean;
  readonly keyHash: number;
  /** If its caller gives up, the error says nothing of a time-out. */
  readonly untold?: boolean;
}

/** What a call's load wants to know. */
export interface Caller {
  onOver(call: PlayedCall): void;
}

/** Microseconds in which the end of an idle connection may be on its way while a call is sent. */
const CROSSING = 100_000;

const GIVES_UP = 0;
const SOCKET_CLOSES = 1;

/** A request: it does what undici's exchange does with what its Client tells. */
export class SimulatedCall extends Call implements PlayedCall, Actor {
  readonly id: number;
  readonly repeatable: boolean;
  readonly lasting: boolean;
  readonly upgrades: boolean;
  readonly #untold: boolean;
  /** When it was taken, in microseconds. */
  readonly beganAt: number;
  /** Times that it was written to a wire, and that a pod did what it asks for. */
  sent = 0;
  executed = 0;
  /** Times that it was written, and a peer said that it has not looked at it. */
  unlooked = 0;
  /** Of these, times that the peer had said meanwhile that it takes no more. */
  givenBack = 0;
  /** Times that its connection had closed before it was written. */
  unsent = 0;
  /** Times that it was sent again, of those that count as retries. */
  retried = 0;
  /** Times that it was sent again because its connection, idle before, ended just as it was sent. */
  crossed = 0;
  /** That is how its last one ended. */
  hasCrossed = false;
  /** It has failed with that. */
  failedCrossing = false;
  /** When it was written the last time, in microseconds. */
  writtenAt = 0;
  /** Times that it ended: once, unless something is wrong. */
  settled = 0;
  error: Error | undefined = undefined;
  /** It waits in its service. */
  waiting = false;
  /** What is to come of its attempt. */
  due: Due | undefined = undefined;
  reply: Reply | undefined = undefined;
  /** Its response's head has come. */
  begun = false;
  /** It has become a socket, which is open. */
  socketOpen = false;
  /** What it was last written to. */
  wire: SimulatedWire | undefined = undefined;
  readonly #world: World;
  readonly #calls: Calls;
  readonly #caller: Caller;
  #patience: Due | undefined = undefined;
  #onSocketClose: (() => void) | undefined = undefined;

  constructor(world: World, calls: Calls, caller: Caller, id: number, asked: Asked) {
    super();
    this.#world = world;
    this.#calls = calls;
    this.#caller = caller;
    this.id = id;
    this.repeatable = asked.repeatable;
    this.lasting = asked.lasting;
    this.upgrades = asked.upgrades;
    this.keyHash = asked.keyHash;
    this.#untold = asked.untold === true;
    this.beganAt = world.time.micros;
  }

  get method(): string {
    return this.describe().method;
  }

  describe(): { method: string; path: string } {
    return { method: this.repeatable ? 'GET' : 'POST', path: '/' };
  }

  check(): void {}
  begin(): void {}

  startWaiting(): void {
    this.waiting = true;
    this.#note('waits');
    this.#world.watch.onWaiting(this);
  }

  stopWaiting(): void {
    this.waiting = false;
  }

  fail(error: Error): void {
    this.#settle(error);
  }

  #settle(error: Error | undefined): void {
    this.settled++;
    this.error = error;
    if (this.#patience !== undefined) this.#world.time.cancelTimer(this.#patience);
    this.#patience = undefined;
    if (error === undefined) this.#note('end');
    else this.#note('fails', codeOf(error));
    this.#world.watch.onSettled(this, error);
    this.#caller.onOver(this);
  }

  /** Its caller waits no longer than so many microseconds. */
  limit(patience: number): void {
    if (this.settled > 0) return;
    this.#patience = this.#world.time.timer(patience, this, GIVES_UP);
  }

  happen(what: number): void {
    if (what === GIVES_UP) this.#giveUp();
    else this.closeSocket();
  }

  #giveUp(): void {
    this.#patience = undefined;
    if (this.settled > 0) return;
    this.#note('gives up');
    const reason = new Error('the caller has waited for long enough');
    if (!this.#untold) reason.name = 'TimeoutError';
    this.reason = reason;
    if (this.connection === undefined) {
      this.#calls.onAbandoned(this, reason);
      return;
    }
    (this.connection.wire as SimulatedWire).give(this);
    const isExpired = this.statusCode === 0 && this.repeatable && !this.#untold;
    this.#end(reason, isExpired ? 'expired' : 'cancelled');
  }

  #end(error: Error | undefined, outcome: Outcome): void {
    this.#settle(error);
    this.#calls.attempts.onEnded(this, outcome);
  }

  // What its wire tells

  /** The head of its response; `keepAlive`: milliseconds for which its wire lasts when it is idle. */
  onHead(reply: Reply, keepAlive: number): void {
    const { attempts } = this.#calls;
    const { status, headers } = reply;
    this.begun = true;
    this.statusCode = status;
    this.#note('head', status === 200 ? '' : String(status));
    if (this.connection?.told === false) attempts.onFirstHead(this, headers, keepAlive);
    attempts.onHead(this, headers, isGatewayError(status));
    const streaming = headers['content-type'] === 'text/event-stream';
    if (streaming || this.seated) attempts.onStreaming(this, streaming);
  }

  onEnd(): void {
    this.#end(undefined, isGatewayError(this.statusCode) ? 'rejected' : 'success');
  }

  /** It has become a socket, which lives for so many microseconds. */
  onUpgraded(lasts: number): void {
    this.begun = true;
    this.statusCode = 101;
    this.socketOpen = true;
    const socket = {
      once: (_event: string, callback: () => void) => {
        this.#onSocketClose = callback;
      },
    };
    this.#calls.attempts.onUpgraded(this, socket as unknown as Duplex);
    this.#settle(undefined);
    this.due = this.#world.time.arrive(lasts, this, SOCKET_CLOSES);
  }

  closeSocket(): void {
    if (!this.socketOpen) return;
    this.socketOpen = false;
    this.wire!.dropSocket(this);
    this.#onSocketClose?.();
    this.#world.watch.onSocketClosed(this);
  }

  /** Its connection broke, or its stream did. */
  onBroken(error: Error): void {
    if (this.socketOpen) {
      this.closeSocket();
      return;
    }
    this.#note('broken');
    if (this.statusCode === 0 && this.#goesElsewhere(error)) return;
    this.#end(error, 'failure');
  }

  #goesElsewhere(error: Error): boolean {
    const { crosses, time } = this.#world;
    const wasUsed = this.wire?.multiplexed === false && this.wire.sent > 1;
    this.hasCrossed = crosses && wasUsed && time.micros - this.writtenAt <= CROSSING;
    if (this.hasCrossed) {
      this.crossed++;
      if (this.#calls.onCrossed(this, error)) return true;
      this.crossed--;
    }
    const isSentAgain = this.#calls.onUnanswered(this, error, 'reset');
    this.failedCrossing = this.hasCrossed && !isSentAgain;
    return isSentAgain;
  }

  /** Its connection was ended from this side. */
  onCut(error: Error): void {
    if (this.socketOpen) {
      this.closeSocket();
      return;
    }
    this.#note('cut', codeOf(error));
    const reason = reasonOf(error);
    if (reason !== undefined && this.statusCode === 0 && this.#calls.onUnanswered(this, error, reason))
      return;
    this.#end(error, reason === undefined ? 'cancelled' : 'failure');
  }

  /** The peer has not looked at it. */
  onRefused(how: Refusal): void {
    this.#note('refused', how);
    this.unlooked++;
    if (how !== 'refused') this.givenBack++;
    this.#world.watch.onUnlooked(this);
    this.#calls.onRefused(this, failure('ERR_HTTP2_STREAM_ERROR'), how);
  }

  /** Its connection had closed before it was written. */
  onUnsent(): void {
    this.#note('unsent');
    this.unsent++;
    this.#world.watch.onUnlooked(this);
    this.#calls.onUnsent(this, failure('ECONNRESET'));
  }

  #note(fact: Parameters<World['trace']['note']>[1], more = ''): void {
    const { trace, time } = this.#world;
    if (trace.notes) trace.note(time.micros, fact, this.id, -1, -1, more);
  }
}

/** Why a call may be sent again whose connection was ended with that error. */
function reasonOf(error: Error): RetryReason | undefined {
  if (error instanceof UnresponsiveError) return 'unresponsive';
  return codeOf(error) === 'ECONNRESET' ? 'reset' : undefined;
}

function isGatewayError(status: number): boolean {
  return status >= 502 && status <= 504;
}
