import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from 'node:http2';
import type { Timer } from '../../core/base/clock.ts';
import type { Outcome } from '../../core/health/outcome.ts';
import { isGatewayError } from '../common/gateway-error.ts';
import { CANCEL } from '../common/http2-codes.ts';
import { withoutQuery } from '../common/without-query.ts';
import type { ConnectService } from './connect-service.ts';
import { timeoutOf } from './deadline.ts';
import { grpcStatusOf, isCancel, isRefused, isResetHere, pushbackOf } from './outcome-of.ts';
import { type ConnectRequest, SessionCall } from './session-call.ts';
import type { SessionWire } from './session-wire.ts';

const kCall = Symbol('call');

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;
type Stream = ClientHttp2Stream & { [kCall]?: ConnectCall };

/** How many milliseconds after its deadline a waiting call is dropped. By then, its caller has given it up. */
const LATE = 100;
/** By how many milliseconds the caller's time may have begun before the call came here. */
const EARLY = 10;

/** Callbacks of a call. */
export interface CallCallbacks {
  /** The call has a stream, which belongs to the caller from now on. */
  readonly resolve: (stream: ClientHttp2Stream) => void;
  readonly reject: (error: Error) => void;
  /** The call has ended, in any way. */
  readonly done: (call: ConnectCall) => void;
}

/**
 * A call of connect-node.
 *
 * Without a stream, it waits, or is about to be sent. With a stream, the stream belongs to its caller, and the call
 * learns from the stream's events how it goes, until the stream closes.
 */
export class ConnectCall extends SessionCall {
  readonly request: ConnectRequest;
  private readonly service: ConnectService;
  private readonly callbacks: CallCallbacks;
  private readonly asked: number;
  private stream: Stream | undefined = undefined;
  private deadline: Timer | undefined = undefined;
  /** The code with which its caller has closed the stream, if so. */
  private closedWith: number | undefined = undefined;
  /** Whether its trailers have come. */
  private answered = false;

  constructor(request: ConnectRequest, service: ConnectService, callbacks: CallCallbacks) {
    super();
    this.request = request;
    this.service = service;
    this.callbacks = callbacks;
    this.asked = service.clock.now();
  }

  override get isHandedOver(): boolean {
    return this.stream?.writableFinished === true;
  }

  get method(): string {
    return this.request.method;
  }

  describe(): { method: string; path: string } {
    const { method, path } = this.request;
    return { method, path: withoutQuery(path) };
  }

  // Without a stream

  /** Nobody reports that a caller has given the call up, but its deadline is known. */
  startWaiting(): void {
    const timeout = timeoutOf(this.request.headers);
    if (timeout === undefined) return;
    const { clock, calls } = this.service;
    const left = this.asked + timeout + LATE - clock.now();
    const expired = () => {
      this.reason = Object.assign(new Error('the time of the call was over while it waited'), {
        code: 'ETIMEDOUT',
      });
      calls.onAbandoned(this, this.reason);
    };
    this.deadline = clock.schedule(expired, Math.max(0, left));
  }

  stopWaiting(): void {
    this.deadline?.cancel();
    this.deadline = undefined;
  }

  fail(error: Error): void {
    this.callbacks.done(this);
    this.callbacks.reject(error);
  }

  open(session: ClientHttp2Session): void {
    const { method, path, headers, options } = this.request;
    const stream: Stream = session.request({ ...headers, ':method': method, ':path': path }, options);
    stream[kCall] = this;
    this.stream = stream;
    stream.close = noteClose;
    stream.on('response', onResponse).on('trailers', onTrailers).on('close', onClose);
    this.service.onSent(this);
    this.callbacks.resolve(stream);
  }

  onUnopened(error: Error, isGone: boolean): void {
    const { calls } = this.service;
    if (isGone) {
      calls.onUnsent(this, error);
      return;
    }
    // Node refuses such a call. Its caller hears of that, and nothing else changes.
    calls.attempts.onEnded(this, 'refused');
    this.fail(error);
  }

  // With a stream

  /** Ends the call for its caller, wherever it is. */
  abort(reason: Error): void {
    this.reason = reason;
    const { stream } = this;
    if (stream !== undefined) {
      stream.close(CANCEL);
      stream.destroy(reason);
    } else if (this.connection === undefined) {
      this.service.calls.onAbandoned(this, reason);
    } else {
      this.service.calls.attempts.takeBack(this, false);
      this.fail(reason);
    }
  }

  cut(error: Error): void {
    this.stream?.destroy(error);
  }

  /** Whether its caller has the stream. */
  get isOpen(): boolean {
    return this.stream !== undefined;
  }

  /**
   * Its caller has closed the stream, perhaps after its end. Node also does so when the socket ends. The call is over
   * then: Node doesn't always close a stream that has more to write, and the pod would seem busy with it for ever.
   */
  onClosedByCaller(code = 0): void {
    if (this.connection === undefined || this.wire.isGone) return;
    this.closedWith = code;
    this.onClosed(code);
  }

  onHead(headers: Head): void {
    const { connection, service } = this;
    if (connection === undefined) return;
    const { attempts } = service.calls;
    this.statusCode = headers[':status'] ?? 0;
    if (!connection.told) attempts.onFirstHead(this, headers, service.keepAlive);
    attempts.onHead(this, headers, isGatewayError(this.statusCode));
    // A call that failed at once has its trailers in its head.
    if (headers['grpc-status'] !== undefined) this.onEnd(headers);
  }

  /** Its status has come, in the head or in trailers. */
  onEnd(trailers: IncomingHttpHeaders): void {
    if (this.connection === undefined) return;
    this.answered = true;
    this.statusCode = grpcStatusOf(trailers) ?? this.statusCode;
    const pause = pushbackOf(trailers, this.statusCode);
    if (pause > 0 && this.endpoint !== undefined) {
      this.service.pool.health.onPushback(this.endpoint, this.statusCode, pause);
    }
  }

  onClosed(code: number): void {
    if (this.connection === undefined) return;
    const { attempts } = this.service.calls;
    this.service.onEnded(this);
    this.callbacks.done(this);
    // A pod that refuses a stream below its limit has enough for the moment. So the call counts as load for a while.
    if (this.isRefused(code) && !this.wire.broken) attempts.takeBack(this, true);
    else attempts.onEnded(this, this.outcomeOf(code));
  }

  private isRefused(code: number): boolean {
    return isRefused(code) && this.statusCode === 0 && this.closedWith === undefined;
  }

  private outcomeOf(code: number): Outcome {
    // If a response was cut off after a GOAWAY, Node reports a normal end.
    if (this.answered || (code === 0 && this.statusCode !== 0)) {
      return isGatewayError(this.statusCode) ? 'rejected' : 'success';
    }
    if (this.closedWith !== undefined) return this.endedByCaller(this.closedWith);
    if (this.isRefused(code)) return 'refused';
    if (this.wire.isGone) return isResetHere(this.wire.destroyedBy) ? 'cancelled' : 'failure';
    return isCancel(code) ? 'cancelled' : 'failure';
  }

  /** connect-node has one code for callers that stop reading, another one for a deadline, and others for errors. */
  private endedByCaller(code: number): Outcome {
    this.reason ??= new Error('the caller has closed the stream');
    const timeout = timeoutOf(this.request.headers);
    const isExpired = timeout !== undefined && this.service.clock.now() - this.asked >= timeout - EARLY;
    return isExpired && !isCancel(code) && this.statusCode === 0 ? 'expired' : 'cancelled';
  }

  private get wire(): SessionWire {
    return this.connection!.wire as SessionWire;
  }
}

// One function each, for all streams.

function onResponse(this: Stream, headers: Head): void {
  this[kCall]!.onHead(headers);
}

function onTrailers(this: Stream, trailers: IncomingHttpHeaders): void {
  this[kCall]!.onEnd(trailers);
}

function onClose(this: Stream): void {
  this[kCall]!.onClosed(this.rstCode);
}

function noteClose(this: Stream, code?: number, callback?: () => void): void {
  // connect-node also closes a stream that has failed by itself.
  const isOver = this.closed || this.destroyed;
  const { close } = Object.getPrototypeOf(this) as Stream;
  close.call(this, code, callback);
  if (!isOver) this[kCall]!.onClosedByCaller(code);
}
