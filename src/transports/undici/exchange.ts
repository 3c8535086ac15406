import type { Duplex } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import { setImmediate } from '../../core/base/clock.ts';
import { CONNECTION_GONE, UNRESPONSIVE } from '../../core/base/errors.ts';
import type { Calls } from '../../core/calls/calls.ts';
import type { Refusal } from '../../core/calls/settings.ts';
import type { Outcome } from '../../core/health/outcome.ts';
import { isEventStream } from '../common/event-stream.ts';
import { isGatewayError } from '../common/gateway-error.ts';
import type { ClientWire } from './client-wire.ts';
import { codeOf, isRefusal, RESETS } from './failures.ts';
import { keepAliveOf } from './keep-alive.ts';
import { isReplayable } from './repeatable.ts';
import type { Request } from './request.ts';
import type { RequestOptions } from './request-options.ts';
import { informationalError, isUnwritten } from './undici.ts';
import { type Headers, type SharedHooks, UndiciCall } from './undici-call.ts';
import type { UndiciService } from './undici-service.ts';

type RawHeaders = Exclude<Dispatcher.DispatchController['rawHeaders'], undefined>;

/** Why no server has looked at a request, where that is known: a server says so, or Node has refused to send it. */
type Declined = Refusal | 'unopened';

/**
 * One request on its way: the handler that undici's Client calls, and the controller that the caller's
 * handler gets. Both stay the same for the life of the request, wherever it waits and whichever
 * connection it comes to.
 */
export abstract class Exchange<Handler extends SharedHooks>
  extends UndiciCall
  implements Request, Dispatcher.DispatchHandler, Dispatcher.DispatchController
{
  // Private by TypeScript's word, not by `#`: for fields of that kind each class of the line would run one function more to
  // make a request, which is as much as all the rest of making it.
  /** The caller's. */
  protected readonly handler: Handler;
  /** A byte of a response has come. */
  private answered = false;
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private pauseWanted = false;
  private declined: Declined | undefined = undefined;
  /** The Client may be in the midst of writing it over HTTP/2. */
  private writing = false;

  constructor(options: RequestOptions, handler: Handler, service: UndiciService) {
    super(options, service);
    this.handler = handler;
  }

  private get calls(): Calls {
    return this.service.calls;
  }

  /** What carries it. */
  private get wire(): ClientWire | undefined {
    return this.connection?.wire as ClientWire | undefined;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.controller = controller;
    this.wire?.onStart(this);
    if (this.aborted) {
      controller.abort(this.reason!);
    } else if (this.begun) {
      if (this.pauseWanted) controller.pause();
    } else {
      this.begun = true;
      this.callStart(context);
    }
  }

  onBodySent(chunk: Buffer): void {
    this.writing = this.connection?.multiplexed === true;
    try {
      this.handler.onBodySent?.(chunk);
    } catch (error) {
      this.abortOnWire(error as Error);
    } finally {
      this.writing = false;
    }
  }

  onRequestSent(): void {
    this.writing = this.connection?.multiplexed === true;
    try {
      this.handler.onRequestSent?.();
    } catch (error) {
      this.abortOnWire(error as Error);
    } finally {
      this.writing = false;
    }
  }

  /**
   * Ends it on what carries it. Not while a Client writes it over HTTP/2: that would go on as if it still had
   * it, lose count, and never send the next one. Nor before what is written has left: Node 24 sends empty
   * frames for ever when a stream is closed that has more to write.
   */
  private abortOnWire(error: Error): void {
    if (this.writing) setImmediate(() => this.controller?.abort(error));
    else this.controller?.abort(error);
  }

  onResponseStarted(): void {
    this.answered = true;
    this.handler.onResponseStarted?.();
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Headers,
    socket: Duplex,
  ): void {
    this.statusCode = statusCode;
    this.calls.attempts.onUpgraded(this, socket);
    this.callUpgrade(statusCode, headers, socket);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Headers,
    statusMessage?: string,
  ): void {
    this.statusCode = statusCode;
    // After 103 Early Hints, and its like, the response is still to come.
    if (statusCode >= 200) this.learn(statusCode, headers);
    this.callHeaders(statusCode, headers, statusMessage);
  }

  /** Tells the service what the head of the response says. */
  private learn(statusCode: number, headers: Headers): void {
    const { attempts } = this.calls;
    if (this.connection?.told === false) {
      attempts.onFirstHead(this, headers, keepAliveOf(headers, this.service.client));
    }
    attempts.onHead(this, headers, isGatewayError(statusCode));
    const streaming = isEventStream(headers['content-type']);
    if (streaming || this.seated) attempts.onStreaming(this, streaming);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.callData(chunk);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: Headers): void {
    try {
      this.callEnd(trailers);
      this.settled = true;
    } finally {
      // If the caller threw, `onResponseError` follows, and finds the connection released.
      this.calls.attempts.onEnded(this, isGatewayError(this.statusCode) ? 'rejected' : 'success');
    }
  }

  onResponseError(controller: Dispatcher.DispatchController | null | undefined, error: Error): void {
    if (this.goesElsewhere(controller, error)) return;
    try {
      if (!this.settled) {
        this.settled = true;
        this.trace(error);
        this.callError(this.aborted && this.reason !== null ? this.reason : error);
      }
    } finally {
      // Without a controller, undici has refused the request.
      const unsent = isUnwritten(controller) || this.declined === 'unopened';
      this.calls.attempts.onEnded(this, unsent ? 'refused' : this.outcomeOf(error));
    }
  }

  /** Whether the service takes care of the request, instead of its failing here. */
  private goesElsewhere(controller: Dispatcher.DispatchController | null | undefined, error: Error): boolean {
    if (this.aborted || this.answered || this.declined === 'unopened') return false;
    const givesBack = this.wire?.givesBack === true;
    // Without a controller nothing was written.
    const unwritten = isUnwritten(controller);
    const refusal = givesBack && !unwritten ? 'gone-away' : this.declined;
    if (refusal !== undefined) {
      this.detach();
      this.calls.onRefused(this, error, refusal);
      return true;
    }
    const code = codeOf(error);
    const isGone = RESETS.has(code) || error === this.connection?.destroyedBy || givesBack;
    if (code === CONNECTION_GONE || (unwritten && isGone)) {
      this.detach();
      this.calls.onUnsent(this, error);
      return true;
    }
    if (this.statusCode !== 0) return false;
    const reason = code === UNRESPONSIVE ? 'unresponsive' : this.isReset(code) ? 'reset' : undefined;
    if (reason === undefined || !this.calls.onUnanswered(this, error, reason)) return false;
    this.detach();
    return true;
  }

  private detach(): void {
    this.controller = undefined;
    this.declined = undefined;
    // Of a 1xx, if anything.
    this.statusCode = 0;
  }

  /** Takes the request back, which the server has not looked at, unless that can't be sent again. */
  refuse(error: Error, how: Refusal): void {
    if (this.controller === undefined || this.settled || this.aborted || this.answered) return;
    if (!isReplayable(this.options.body)) return;
    this.declined = how;
    this.controller.abort(error);
  }

  /** Ends the request with undici's error for what Node refuses to send. */
  failUnopened(cause: Error): void {
    this.declined = 'unopened';
    this.controller?.abort(informationalError(errors.InformationalError, cause));
  }

  /** Ends the request on what carries it; it may go elsewhere. */
  cut(error: Error): void {
    this.controller?.abort(error);
  }

  /** For the caller's handler. Interceptors put methods of their own in its place: undici's `dump` does. */
  abort(reason: Error): void {
    this.cancel(reason);
  }

  /** Ends the request with an error, wherever it is; undici's own for aborts, if none is given. */
  cancel(reason: Error | null | undefined): void {
    if (this.aborted || this.settled) return;
    this.aborted = true;
    // Callers may abort with anything, and no error at all would be taken for success.
    this.reason = reason || new errors.RequestAbortedError();
    if (this.controller !== undefined) this.abortOnWire(this.reason);
    else if (this.connection === undefined) this.calls.onAbandoned(this, this.reason);
    // Otherwise it is about to be written, and learns of it then.
    else this.wire?.hurry();
  }

  pause(): void {
    this.pauseWanted = true;
    this.controller?.pause();
  }

  resume(): void {
    this.pauseWanted = false;
    this.controller?.resume();
  }

  private outcomeOf(error: Error): Outcome {
    if (this.aborted) return this.isExpired ? 'expired' : 'cancelled';
    const code = codeOf(error);
    // Of what can be sent again, a refusal is no failure either.
    if (isRefusal(error)) return 'cancelled';
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'timeout';
    if (this.isReset(code) || code === UNRESPONSIVE) return 'failure';
    return error instanceof errors.HTTPParserError ? 'failure' : 'cancelled';
  }

  /**
   * Whether the caller gave up as `AbortSignal.timeout` has it, before a byte of the response, and not because of a
   * body that didn't come.
   */
  private get isExpired(): boolean {
    if (this.answered || this.statusCode !== 0 || !isReplayable(this.options.body)) return false;
    return this.reason?.name === 'TimeoutError';
  }

  /** Whether the peer, or something before it, has ended what carried the request. */
  private isReset(code: string): boolean {
    const { connection } = this;
    if (RESETS.has(code)) {
      // The body may come from a connection too, the end of which is nobody's doing here.
      return (
        code.startsWith('ERR_HTTP2') || isReplayable(this.options.body) || connection?.wire.broken !== false
      );
    }
    // What undici says of a stream that ends before its response where Node takes that for no error.
    return code === 'UND_ERR_INFO' && connection?.multiplexed === true && !this.upgrades;
  }

  get paused(): boolean {
    return this.controller?.paused ?? this.pauseWanted;
  }

  get rawHeaders(): RawHeaders {
    return this.controller?.rawHeaders ?? null;
  }

  get rawTrailers(): RawHeaders {
    return this.controller?.rawTrailers ?? null;
  }
}
