import { millisecondsOf, ticksOf } from '../../core/base/ticks.ts';
import { Call, durationOf } from '../../core/calls/call.ts';
import type { Calls } from '../../core/calls/calls.ts';
import { isTimeout } from '../../core/calls/ended-by-caller.ts';
import type { RetryReason } from '../../core/calls/settings.ts';
import type { Outcome } from '../../core/health/outcome.ts';
import { isEventStream } from '../common/event-stream.ts';
import { withoutQuery } from '../common/without-query.ts';
import { endUnconnected, hangUp, isRepeatable, publishStart, reasonOf } from './failures.ts';
import type { HeldWrites } from './held-writes.ts';
import type { HttpAttempt } from './http-attempt.ts';
import type { HttpService } from './http-service.ts';
import { interceptNext, muted } from './next-event.ts';
import { type NodeRequest, type NodeSocket, requestHeader, rewind } from './node-http.ts';
import { announceTls, onceListenersOf } from './once-listeners.ts';
import type { Place } from './place.ts';
import { tellAgain } from './repeated.ts';
import { isUnaskedUpgrade, outcomeOf, tellOfHead } from './response-head.ts';
import { Sent } from './sent.ts';
import { StandIn } from './stand-in.ts';
import { Waiting } from './waiting.ts';

/** For how many milliseconds the end of an idle connection may be on its way while a request is sent. */
const CROSSING = 100;

/** A request of node:http, from the moment when a service takes it to the end of its last attempt. */
export class HttpCall extends Call implements HttpAttempt {
  readonly request: NodeRequest;
  readonly upgrades: boolean;
  readonly lasting: boolean;
  readonly highWaterMark: number | undefined;
  answering = false;
  hasCrossed = false;
  private readonly service: HttpService;
  private readonly place: Place;
  private readonly held: HeldWrites | undefined;
  /** Whether the head of its response was reported. */
  private told = false;
  private waiting: Waiting | undefined = undefined;
  /** The socket that stands in for its connection meanwhile. */
  private standIn: StandIn | undefined = undefined;
  /** Whether it timed out without a byte. */
  private timedOut = false;
  private sent: Sent | undefined = undefined;
  /** The timeout of its last socket. */
  private passedTimeout: number | undefined = undefined;
  /** Whether its socket ends while it goes to another one. */
  private leaves = false;

  constructor(
    request: NodeRequest,
    service: HttpService,
    place: Place,
    held: HeldWrites | undefined,
    highWaterMark: number | undefined,
  ) {
    super();
    this.request = request;
    this.service = service;
    this.place = place;
    this.held = held;
    this.highWaterMark = highWaterMark;
    this.upgrades = request.method === 'CONNECT' || requestHeader(request, 'upgrade') !== undefined;
    this.lasting = this.upgrades || isEventStream(requestHeader(request, 'accept'));
  }

  private get calls(): Calls {
    return this.service.calls;
  }

  get isAnswered(): boolean {
    return this.request.res?.complete === true;
  }

  get repeatable(): boolean {
    return isRepeatable(this.request);
  }

  override get isHandedOver(): boolean {
    return this.request.finished;
  }

  get method(): string {
    return this.request.method;
  }

  describe(): { method: string; path: string } {
    const { method, path } = this.request;
    return { method, path: withoutQuery(path) };
  }

  check(): void {}
  begin(): void {}

  // While it has no socket

  startWaiting(): void {
    const { request } = this;
    // If it was ended while it moved from one socket to the next, nobody heard that.
    if (request.destroyed) process.nextTick(() => this.onDestroyed());
    const { clock, secure, dials } = this.service;
    const waiting = new Waiting(request, {
      clock,
      timeout: this.timedOut ? 0 : this.timeout,
      dials,
      onDestroyed: (error) => this.onDestroyed(error),
    });
    this.waiting = waiting;
    this.standIn = new StandIn(waiting, { clock, secure, dials, isRepeat: this.sent !== undefined });
    this.place.list(request, this.standIn);
  }

  stopWaiting(): void {
    const waiting = this.waiting!;
    this.waiting = undefined;
    waiting.stop();
    this.timedOut ||= waiting.timedOut;
    this.standIn!.stop();
    this.place.unlist(this.request, this.standIn!);
  }

  /** After how many milliseconds without a byte it emits `'timeout'`; 0: never. */
  private get timeout(): number {
    return this.request.timeout ?? this.place.timeout;
  }

  private onDestroyed(error?: Error): void {
    const reason = error ?? hangUp();
    this.reason = reason;
    // It may be ended in another async context.
    this.waiting?.run(() => this.calls.onAbandoned(this, reason));
  }

  /** Ends it with an error; or with its caller's error, if the caller has ended it. */
  fail(error: Error): void {
    this.place.leave();
    this.standIn?.end(error);
    if (this.sent === undefined) publishStart(this.request);
    endUnconnected(this.request, error);
  }

  // While it has one

  announceTls(): void {
    announceTls(this.request);
  }

  onSocket(socket: NodeSocket): void {
    const { request } = this;
    this.place.give(socket);
    this.standIn = undefined;
    if (this.service.secure) onceListenersOf(request);
    if (this.sent !== undefined) interceptNext(request, 'socket', (pass) => tellAgain(request, pass));
    this.sent = new Sent(request, socket, this.held);
    request.onSocket(socket);
    const timeout = this.passedTimeout ?? this.timeout;
    if ((socket.timeout ?? 0) !== timeout) socket.setTimeout(timeout);
    // It has emitted `'timeout'` already, and does so once only.
    if (this.timedOut) request.timeoutCb ??= () => {};
  }

  onTimeout(): void {
    this.timedOut = true;
  }

  /** A part of a response has come, and was parsed. */
  onRead(): void {
    const { res } = this.request;
    if (this.told || res === null || this.connection === undefined) return;
    this.told = true;
    tellOfHead(this, res, this.service, this.place);
  }

  /** Its socket no longer carries it: it was answered, or its caller has ended it before anything was written. */
  onFree(socket: NodeSocket): void {
    const { res } = this.request;
    this.onRead();
    if (res === null) this.reason ??= hangUp();
    this.end(socket, res === null ? 'refused' : this.answerOn(socket));
  }

  onUpgraded(socket: NodeSocket): void {
    this.statusCode = this.request.res?.statusCode ?? 0;
    if (isUnaskedUpgrade(this.request)) {
      this.end(socket, 'failure');
      return;
    }
    this.place.takeBack(socket);
    this.place.leave();
    this.calls.attempts.onUpgraded(this, socket);
  }

  private answerOn(socket: NodeSocket): Outcome {
    return outcomeOf(this.statusCode, this.request, socket);
  }

  private end(socket: NodeSocket, outcome: Outcome): void {
    this.place.takeBack(socket);
    this.place.leave();
    this.calls.attempts.onEnded(this, outcome);
  }

  // Its socket ends

  /** Its connection was gone before it got the socket. */
  onUnsent(error: Error = hangUp()): void {
    this.calls.onUnsent(this, error);
  }

  /** Its caller has ended it while it was delayed. */
  onGivenUp(): void {
    this.reason = hangUp();
    this.calls.attempts.onEnded(this, 'refused');
    this.fail(this.reason);
  }

  /** Returns whether it goes to another socket without noticing. The socket's close follows. */
  mayLeave(error: Error | undefined): boolean {
    if (this.leaves) return true;
    if (this.answering || this.isEndedByCaller || this.sent === undefined) return false;
    if (reasonOf(error) === undefined) return false;
    const { retries } = this.service;
    const isSafe = this.sent.isUnwritten;
    this.leaves = isSafe || (retries && !this.upgrades && this.sent.isFinished && this.repeatable);
    return this.leaves;
  }

  private get isEndedByCaller(): boolean {
    return this.request.destroyed || this.request.res?.destroyed === true;
  }

  /** @param pass calls the listeners of the socket */
  onClose(socket: NodeSocket, error: Error | undefined, ended: boolean, pass: () => void): void {
    if (this.leaves) {
      this.leave(socket, error, pass);
      return;
    }
    const outcome = this.outcomeOf(socket, error, ended);
    try {
      pass();
    } finally {
      this.end(socket, outcome);
    }
  }

  private outcomeOf(socket: NodeSocket, error: Error | undefined, ended: boolean): Outcome {
    // Where nobody listens, Node ends the socket.
    if (isUnaskedUpgrade(this.request)) return 'failure';
    if (this.isAnswered) {
      this.onRead();
      return this.answerOn(socket);
    }
    // If the peer has sent nothing, this side has ended the socket: the caller, or the parser because of something that
    // isn't HTTP.
    const isPeers = ended || socket._hadError === true || (error && reasonOf(error)) !== undefined;
    if (isPeers && !this.isEndedByCaller) return 'failure';
    this.reason = error ?? hangUp();
    // Interim responses are no answer.
    const isOver = this.isHandedOver && this.request.res === null && (this.timedOut || isTimeout(error));
    return isOver ? 'expired' : 'cancelled';
  }

  private leave(socket: NodeSocket, error: Error | undefined, pass: () => void): void {
    const { request } = this;
    const sent = this.sent!;
    const failure = error ?? hangUp();
    const wasDestroyed = request.destroyed;
    this.leaves = false;
    // Node takes the request off the socket. Without this, Node would tell it of an error.
    socket._hadError = true;
    const { output, isUnwritten } = sent;
    muted(request, pass);
    if (wasDestroyed) {
      this.reason = failure;
      this.end(socket, 'cancelled');
      endUnconnected(request);
      return;
    }
    rewind(request, output);
    this.passedTimeout = sent.passTimeout(request);
    this.place.takeBack(socket);
    if (isUnwritten) {
      this.calls.onUnsent(this, failure);
    } else if (!this.goesElsewhere(failure, reasonOf(error) ?? 'reset')) {
      request.socket = socket;
      this.place.leave();
      this.calls.attempts.onEnded(this, 'failure');
      endUnconnected(request, failure);
    }
  }

  private goesElsewhere(error: Error, reason: RetryReason): boolean {
    const milliseconds = millisecondsOf(durationOf(this, ticksOf(this.service.clock.now())));
    const wasIdle = (this.connection?.requests ?? 0) > 1;
    this.hasCrossed = reason === 'reset' && wasIdle && milliseconds <= CROSSING;
    if (this.hasCrossed && this.calls.onCrossed(this, error)) return true;
    return this.calls.onUnanswered(this, error, reason);
  }
}
