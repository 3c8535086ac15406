import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from 'node:http2';
import type { Timer } from '../../core/base/clock.ts';
import type { Outcome } from '../../core/health/outcome.ts';
import { isGatewayError } from '../common/gateway-error.ts';
import type { ConnectService } from './connect-service.ts';
import { timeoutOf } from './deadline.ts';
import { CANCEL, grpcStatusOf, isCancel, isRefused, isResetHere, pushbackOf } from './outcome-of.ts';
import { type ConnectRequest, SessionCall } from './session-call.ts';
import type { SessionWire } from './session-wire.ts';

const kCall = Symbol('call');

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;
type Stream = ClientHttp2Stream & { [kCall]?: ConnectCall };

/** Milliseconds beyond its deadline after which a call that still waits is dropped: its caller has given it up by then. */
const LATE = 100;
/** Milliseconds by which a caller's time may have begun before its call came here. */
const EARLY = 10;

/** Those who hear of a call. */
export interface CallCallbacks {
  /** It has a stream, which is the caller's from now on. */
  readonly resolve: (stream: ClientHttp2Stream) => void;
  readonly reject: (error: Error) => void;
  /** It has ended, in whatever way. */
  readonly done: (call: ConnectCall) => void;
}

/**
 * A call of connect-node on its way.
 *
 * Without a stream: it waits, or is about to be sent. With one: the stream is its caller's, and the call learns by the
 * stream's events how it goes, until that closes.
 */
export class ConnectCall extends SessionCall {
  readonly request: ConnectRequest;
  private readonly service: ConnectService;
  private readonly callbacks: CallCallbacks;
  private readonly asked: number;
  private stream: Stream | undefined = undefined;
  private deadline: Timer | undefined = undefined;
  /** The code with which its caller has closed the stream, if it has. */
  private closedWith: number | undefined = undefined;
  /** Its trailers have come. */
  private answered = false;

  constructor(request: ConnectRequest, service: ConnectService, callbacks: CallCallbacks) {
    super();
    this.request = request;
    this.service = service;
    this.callbacks = callbacks;
    this.asked = service.clock.now();
  }

  get method(): string {
    return this.request.method;
  }

  describe(): { method: string; path: string } {
    const { method, path } = this.request;
    const query = path.indexOf('?');
    return { method, path: query === -1 ? path : path.slice(0, query) };
  }

  // Without a stream

  /** Nobody says whether its caller has ended it; that its time is over can be known. */
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
    // Node refuses such a call: its caller is told, and nobody else is concerned.
    calls.attempts.onEnded(this, 'refused');
    this.fail(error);
  }

  // With a stream

  /** Its caller ends it, wherever it is. */
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
   * Its caller has closed the stream: once more, it may be, when that has ended. Node does so too, as the socket ends. It is over
   * then: Node doesn't always close a stream that has more to write, and the pod would seem to be busy with it for ever.
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
    this.statusCode = statusOf(headers);
    if (!connection.told) attempts.onFirstHead(this, headers, service.keepAlive);
    attempts.onHead(this, headers, isGatewayError(this.statusCode));
    // A call that has failed at once: its trailers are in its head.
    if (headers['grpc-status'] !== undefined) this.onEnd(headers);
  }

  /** Its status has come, be it in a head or in trailers. */
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
    // One that refuses streams, though it takes more of them, has enough for a moment.
    if (this.isRefused(code) && !this.wire.broken) attempts.takeBack(this, true);
    else attempts.onEnded(this, this.outcomeOf(code));
  }

  private isRefused(code: number): boolean {
    return isRefused(code) && this.statusCode === 0 && this.closedWith === undefined;
  }

  private outcomeOf(code: number): Outcome {
    // Of a response that was cut off after a GOAWAY, Node says no more than of one that has ended.
    if (this.answered || (code === 0 && this.statusCode !== 0)) {
      return isGatewayError(this.statusCode) ? 'rejected' : 'success';
    }
    if (this.closedWith !== undefined) return this.endedByCaller(this.closedWith);
    if (this.isRefused(code)) return 'refused';
    if (this.wire.isGone) return isResetHere(this.wire.destroyedBy) ? 'cancelled' : 'failure';
    return isCancel(code) ? 'cancelled' : 'failure';
  }

  /** connect-node has a code for callers that have had enough, and another one for time that is over, and other errors. */
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

function statusOf(headers: Head): number {
  return headers[':status'] ?? 0;
}

// One function each for all streams.

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
  // connect-node closes what has failed by itself, too.
  const isOver = this.closed || this.destroyed;
  Reflect.deleteProperty(this, 'close');
  this.close(code, callback);
  if (!isOver) this[kCall]!.onClosedByCaller(code);
}
