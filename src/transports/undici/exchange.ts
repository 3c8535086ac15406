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

/** Why no server has processed a request: the server says so, or Node has refused to send it. */
type Declined = Refusal | 'unopened';

/**
 * One request. It is the handler that undici's Client calls, and the controller that the caller's handler gets. Both
 * stay the same for the life of the request, wherever it waits, and on whichever connection it is sent.
 */
export abstract class Exchange<Handler extends SharedHooks>
  extends UndiciCall
  implements Request, Dispatcher.DispatchHandler, Dispatcher.DispatchController
{
  // Members are private by TypeScript's word, not by `#`. With `#`, each class in the chain of parents would run one more
  // function for each request, which costs as much as all the rest of making it.
  /** The caller's. */
  protected readonly handler: Handler;
  /** Whether a byte of a response has come. */
  private answered = false;
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private pauseWanted = false;
  private declined: Declined | undefined = undefined;
  /** Whether the Client may be writing the request over HTTP/2 at this moment. */
  private writing = false;

  constructor(options: RequestOptions, handler: Handler, service: UndiciService) {
    super(options, service);
    this.handler = handler;
  }

  private get calls(): Calls {
    return this.service.calls;
  }

  /** The wire that carries the request. */
  private get wire(): ClientWire | undefined {
    return this.connection?.wire as ClientWire | undefined;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.controller = controller;
    if (this.connection !== undefined) this.streams?.onStart(this);
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
    this.writing = this.streams !== undefined && this.connection !== undefined;
    try {
      this.handler.onBodySent?.(chunk);
    } catch (error) {
      this.abortOnWire(error as Error);
    } finally {
      this.writing = false;
    }
  }

  onRequestSent(): void {
    this.written = true;
    this.writing = this.streams !== undefined && this.connection !== undefined;
    try {
      this.handler.onRequestSent?.();
    } catch (error) {
      this.abortOnWire(error as Error);
    } finally {
      this.writing = false;
    }
  }

  /**
   * Ends the request on its wire. Not while a Client writes it over HTTP/2: the Client would go on as if it still had
   * it, lose count, and never send the next request. And not before all that is written has left: Node 24 sends empty
   * frames for ever if a stream is closed that has more to write.
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
    // After 103 Early Hints and the like, the response is still to come.
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
      // If the caller's handler threw, `onResponseError` follows, and the connection is already released.
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

  /** Returns whether the service takes care of the request, so that it doesn't fail here. */
  private goesElsewhere(controller: Dispatcher.DispatchController | null | undefined, error: Error): boolean {
    if (this.aborted || this.answered || this.declined === 'unopened') return false;
    const givesBack = this.wire?.givesBack === true;
    // Without a controller, nothing was written.
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
    // It may be the status of a 1xx.
    this.statusCode = 0;
  }

  /** The server has not processed the request. Sends it again, or fails it if that isn't possible. */
  refuse(error: Error, how: Refusal): void {
    if (this.controller === undefined || this.settled || this.aborted || this.answered) return;
    if (!isReplayable(this.options.body)) return;
    this.declined = how;
    this.controller.abort(error);
  }

  /** Fails the request with undici's error, because Node refuses to send it. */
  failUnopened(cause: Error): void {
    this.declined = 'unopened';
    this.controller?.abort(informationalError(errors.InformationalError, cause));
  }

  /** Ends the request on its wire. It may be sent again. */
  cut(error: Error): void {
    this.controller?.abort(error);
  }

  /** For the caller's handler. An interceptor may replace this method: undici's `dump` does. */
  abort(reason: Error): void {
    this.cancel(reason);
  }

  /** Ends the request with an error, wherever it is. Without `reason`, with undici's error for aborts. */
  cancel(reason: Error | null | undefined): void {
    if (this.aborted || this.settled) return;
    this.aborted = true;
    // A caller may abort with anything. Without an error, the request would look successful.
    this.reason = reason || new errors.RequestAbortedError();
    if (this.controller !== undefined) this.abortOnWire(this.reason);
    else if (this.connection === undefined) this.calls.onAbandoned(this, this.reason);
    // Otherwise the request is about to be written, and ends then.
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
    // If the request can be sent again, a refusal is no failure.
    if (isRefusal(error)) return 'cancelled';
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'timeout';
    if (this.isReset(code) || code === UNRESPONSIVE) return 'failure';
    return code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || error instanceof errors.HTTPParserError
      ? 'failure'
      : 'cancelled';
  }

  /**
   * Whether the caller gave up with `AbortSignal.timeout` before a byte of the response came, and the body did not
   * cause that. `fetch` makes a generator of each body.
   */
  private get isExpired(): boolean {
    if (this.answered || this.statusCode !== 0 || !this.isHandedOver) return false;
    return this.reason?.name === 'TimeoutError';
  }

  /** Whether the peer, or the network, ended the connection or stream. */
  private isReset(code: string): boolean {
    const { connection } = this;
    if (RESETS.has(code)) {
      // The body may come from a connection too, and that connection may have broken.
      return (
        code.startsWith('ERR_HTTP2') || isReplayable(this.options.body) || connection?.wire.broken !== false
      );
    }
    // undici's code for a stream that ends before its response without an error of Node.
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
