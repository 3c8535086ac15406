import type { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import type { RetryReason } from '../../config/settings.ts';
import type { Observation } from '../../core/balancing/picker.ts';
import { queueMicrotask, setImmediate } from '../../core/base/clock.ts';
import { isReplayable } from '../../core/calls/repeatable.ts';
import type { Attempts } from '../../core/calls/retries.ts';
import { CONNECTION_GONE, type Connection, UNRESPONSIVE } from '../../core/connections/connection.ts';
import type { Endpoint } from '../../core/endpoints/endpoint.ts';
import { asksForEventStream, isEventStream } from './event-stream.ts';
import type { RequestOptions } from './request-options.ts';
import { publishUnsent } from './trace.ts';
import { informationalError, isUnwritten } from './undici.ts';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];
type RawHeaders = Exclude<Dispatcher.DispatchController['rawHeaders'], undefined>;

/**
 * How a request ended, for its endpoint. `failure`: the endpoint's doing, or of what is before it;
 * `timeout`: the same, by not answering; `expired`: the time that the caller had for it was over, and nothing had come;
 * `rejected`: with the connection in good order; `cancelled`: the caller's doing; `refused`: by undici, and nothing was
 * written.
 */
export type Outcome = 'success' | 'rejected' | 'failure' | 'timeout' | 'expired' | 'cancelled' | 'refused';

/** What an exchange tells its service. */
export interface ExchangeOwner {
  /** What its requests are for. */
  readonly url: URL;
  /** A response began on a connection that has not said all yet that is to be known of its endpoint. */
  onFirstResponse(exchange: Exchange, headers: Headers): void;
  /** Something has told how long a request takes that was measured. */
  onObserved(exchange: Exchange, observation: Observation): void;
  /** The response of an endpoint that is on trial has begun. */
  onTried(exchange: Exchange): void;
  /** The endpoint says that it has too much to do. */
  onOverloaded(exchange: Exchange, headers: Headers): void;
  /** The request has ended, or turned into an upgraded socket, and its connection is free of it. */
  onEnded(exchange: Exchange, outcome: Outcome): void;
  onUpgraded(exchange: Exchange, socket: Duplex): void;
  /** The response is an event stream, or isn't one after all. */
  onStreaming(exchange: Exchange, streaming: boolean): void;
  /** Nothing of the request was written: its connection is gone. */
  onUnsent(exchange: Exchange, error: Error): void;
  /**
   * The server says that it has not looked at the request. `givenBack`: it had said, meanwhile, that it takes no more,
   * or not as many.
   */
  onRefused(exchange: Exchange, error: Error, givenBack: boolean): void;
  /** The request was sent, and there will be no response. Whether it is sent again. */
  onUnanswered(exchange: Exchange, error: Error, reason: RetryReason): boolean;
  /** The request ends with `error` while it waits, and it is the caller's doing. */
  onAbandoned(exchange: Exchange, error: Error): void;
}

/**
 * One request on its way: the handler that undici's Client calls, and the controller that the caller's
 * handler gets. Both stay the same for the life of the request, wherever it waits and whichever
 * connection it comes to.
 */
export abstract class Exchange implements Dispatcher.DispatchHandler, Dispatcher.DispatchController {
  readonly options: RequestOptions;
  readonly owner: ExchangeOwner;
  /** Asks for a socket of its own. */
  readonly upgrades: boolean;
  /** Asks for a socket of its own, or for an event stream, which are counted apart from requests. */
  readonly lasting: boolean;
  /** Counted among the lasting ones of its endpoint. */
  seated = false;
  /** Its response is an event stream. */
  streaming = false;
  endpoint: Endpoint | undefined = undefined;
  connection: Connection | undefined = undefined;
  /** The async context of its caller, once it waits, or if somebody may want to know when it is sent again. */
  context: AsyncResource | undefined = undefined;
  /** What has been tried, if it didn't go well at once. */
  attempts: Attempts | undefined = undefined;
  given = false;
  /** The caller's handler has been told of the outcome. */
  settled = false;
  aborted = false;
  reason: Error | null = null;
  statusCode = 0;
  /** The hash of the key that binds it to an endpoint; -1 for none. */
  keyHash = -1;
  /**
   * When its service took it, on the service's clock, and how long it waited for its endpoint. In whole milliseconds of 32
   * bits, for which no memory is taken.
   */
  takenAt = 0;
  waited = 0;
  /** When it was sent, on the clock of its service; -1 when nobody wants to know how long it takes. */
  sentAt = -1;

  /** A byte of a response has come. */
  #answered = false;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  #begun = false;
  #pauseWanted = false;
  /** The server has not looked at it. */
  #refused = false;
  /** For the server had said that it takes no more, or not as many. */
  #givenBack = false;
  /** Node has refused to send it. */
  #unopened = false;
  /** The Client may be in the midst of writing it over HTTP/2. */
  #writing = false;

  constructor(options: RequestOptions, owner: ExchangeOwner) {
    this.options = options;
    this.owner = owner;
    this.upgrades = options.upgrades;
    this.lasting = this.upgrades || asksForEventStream(options.headers);
  }

  // What the caller's handler is told, in the generation it speaks.
  protected abstract callStart(context: unknown): void;
  protected abstract callUpgrade(statusCode: number, headers: Headers, socket: Duplex): void;
  protected abstract callHeaders(statusCode: number, headers: Headers, statusMessage?: string): void;
  protected abstract callData(chunk: Buffer): void;
  protected abstract callEnd(trailers: Headers): void;
  protected abstract callError(error: Error): void;
  protected abstract callBodySent(chunk: Buffer): void;
  protected abstract callResponseStarted(): void;
  protected abstract callRequestSent(): void;

  /** Tells the caller that the request has begun, though it waits: from here on it can abort. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    try {
      this.callStart(null);
    } catch (error) {
      // As undici has it, the handler's own mistake is no abort.
      this.owner.onAbandoned(this, error as Error);
    }
  }

  /**
   * Ends the request with an error while no Client has it. What the caller's handler throws then is an
   * uncaught exception, as with undici, and concerns nobody else.
   */
  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.#trace(error);
    try {
      this.callError(error);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  /** Tells tracers that it failed, if no Client has had it. */
  #trace(error: Error): void {
    if (this.given) return;
    const publish = () => publishUnsent(this.options, this.owner.url.origin, error);
    if (this.context === undefined) publish();
    else this.context.runInAsyncScope(publish);
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#controller = controller;
    this.connection?.onStart(this);
    if (this.aborted) {
      controller.abort(this.reason!);
    } else if (this.#begun) {
      if (this.#pauseWanted) controller.pause();
    } else {
      this.#begun = true;
      this.callStart(context);
    }
  }

  onBodySent(chunk: Buffer): void {
    this.#writing = this.connection?.h2 === true;
    try {
      this.callBodySent(chunk);
    } catch (error) {
      this.#abort(error as Error);
    } finally {
      this.#writing = false;
    }
  }

  onRequestSent(): void {
    this.#writing = this.connection?.h2 === true;
    try {
      this.callRequestSent();
    } catch (error) {
      this.#abort(error as Error);
    } finally {
      this.#writing = false;
    }
  }

  /**
   * Ends it on what carries it. Not while a Client writes it over HTTP/2: that would go on as if it still had
   * it, lose count, and never send the next one. Nor before what is written has left: Node 24 sends empty
   * frames for ever when a stream is closed that has more to write.
   */
  #abort(error: Error): void {
    if (this.#writing) setImmediate(() => this.#controller?.abort(error));
    else this.#controller?.abort(error);
  }

  onResponseStarted(): void {
    this.#answered = true;
    this.callResponseStarted();
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Headers,
    socket: Duplex,
  ): void {
    this.statusCode = statusCode;
    this.owner.onUpgraded(this, socket);
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
    if (statusCode >= 200) this.#learn(statusCode, headers);
    this.callHeaders(statusCode, headers, statusMessage);
  }

  /** Tells the service what the head of the response says. */
  #learn(statusCode: number, headers: Headers): void {
    if (this.connection?.told === false) this.owner.onFirstResponse(this, headers);
    if (this.sentAt >= 0) this.owner.onObserved(this, isGatewayError(statusCode) ? 'failed' : 'answered');
    if (this.endpoint?.health?.standing === 'on-trial') this.owner.onTried(this);
    if (statusCode === 429 || statusCode === 503) this.owner.onOverloaded(this, headers);
    const streaming = isEventStream(headers['content-type']);
    if (streaming || this.seated) this.owner.onStreaming(this, streaming);
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
      this.owner.onEnded(this, isGatewayError(this.statusCode) ? 'rejected' : 'success');
    }
  }

  onResponseError(controller: Dispatcher.DispatchController | null | undefined, error: Error): void {
    if (this.#goesElsewhere(controller, error)) return;
    try {
      if (!this.settled) {
        this.settled = true;
        this.#trace(error);
        this.callError(this.aborted && this.reason !== null ? this.reason : error);
      }
    } finally {
      // Without a controller, undici has refused the request.
      const unsent = isUnwritten(controller) || this.#unopened;
      this.owner.onEnded(this, unsent ? 'refused' : this.#outcomeOf(error));
    }
  }

  /** Whether the service takes care of the request, instead of its failing here. */
  #goesElsewhere(controller: Dispatcher.DispatchController | null | undefined, error: Error): boolean {
    const { connection } = this;
    if (this.aborted || this.#unopened || this.#answered) return false;
    // Without a controller nothing was written.
    const unwritten = isUnwritten(controller);
    if (this.#refused || (connection?.givesBack === true && !unwritten)) {
      const givenBack = this.#givenBack || connection?.givesBack === true;
      this.#detach();
      this.owner.onRefused(this, error, givenBack);
      return true;
    }
    const code = codeOf(error);
    const isGone = RESETS.has(code) || error === connection?.destroyedBy || connection?.givesBack === true;
    if (code === CONNECTION_GONE || (unwritten && isGone)) {
      this.#detach();
      this.owner.onUnsent(this, error);
      return true;
    }
    if (this.statusCode !== 0) return false;
    const reason = code === UNRESPONSIVE ? 'unresponsive' : this.#isReset(code) ? 'reset' : undefined;
    if (reason === undefined || !this.owner.onUnanswered(this, error, reason)) return false;
    this.#detach();
    return true;
  }

  #detach(): void {
    this.#controller = undefined;
    this.#refused = false;
    this.#givenBack = false;
    // Of a 1xx, if anything.
    this.statusCode = 0;
  }

  /** Takes the request back, which the server has not looked at, unless that can't be sent again. */
  refuse(error: Error, givenBack: boolean): void {
    if (this.#controller === undefined || this.settled || this.aborted || this.#answered) return;
    if (!isReplayable(this.options.body)) return;
    this.#refused = true;
    this.#givenBack = givenBack;
    this.#controller.abort(error);
  }

  /** Ends the request with undici's error for what Node refuses to send. */
  failUnopened(cause: Error): void {
    this.#unopened = true;
    this.#controller?.abort(informationalError(errors.InformationalError, cause));
  }

  /** Ends the request on what carries it; it may go elsewhere. */
  cut(error: Error): void {
    this.#controller?.abort(error);
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
    if (this.#controller !== undefined) this.#abort(this.reason);
    else if (this.connection === undefined) this.owner.onAbandoned(this, this.reason);
    // Otherwise it is about to be written, and learns of it then.
  }

  pause(): void {
    this.#pauseWanted = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#pauseWanted = false;
    this.#controller?.resume();
  }

  #outcomeOf(error: Error): Outcome {
    if (this.aborted) return this.#isExpired ? 'expired' : 'cancelled';
    const code = codeOf(error);
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'timeout';
    if (this.#isReset(code) || code === UNRESPONSIVE) return 'failure';
    return error instanceof errors.HTTPParserError ? 'failure' : 'cancelled';
  }

  /**
   * Whether the caller gave up as `AbortSignal.timeout` has it, before a byte of the response, and not because of a
   * body that didn't come.
   */
  get #isExpired(): boolean {
    if (this.#answered || this.statusCode !== 0 || !isReplayable(this.options.body)) return false;
    return this.reason?.name === 'TimeoutError';
  }

  /** Whether the peer, or something before it, has ended what carried the request. */
  #isReset(code: string): boolean {
    const { connection } = this;
    if (RESETS.has(code)) {
      // The body may come from a connection too, the end of which is nobody's doing here.
      return code.startsWith('ERR_HTTP2') || isReplayable(this.options.body) || connection?.broken !== false;
    }
    // What undici says of a stream that ends before its response where Node takes that for no error.
    return code === 'UND_ERR_INFO' && connection?.h2 === true && !this.upgrades;
  }

  get paused(): boolean {
    return this.#controller?.paused ?? this.#pauseWanted;
  }

  get rawHeaders(): RawHeaders {
    return this.#controller?.rawHeaders ?? null;
  }

  get rawTrailers(): RawHeaders {
    return this.#controller?.rawTrailers ?? null;
  }
}

/** The endpoint, or something before it, says that it can't serve; 500 is the app's own affair. */
function isGatewayError(statusCode: number): boolean {
  return statusCode >= 502 && statusCode <= 504;
}

/** What is said of a connection that ended, or a stream, with or without a word from the peer. */
const RESETS = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_HTTP2_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_ERROR',
  'UND_ERR_SOCKET',
]);

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? '';
}
