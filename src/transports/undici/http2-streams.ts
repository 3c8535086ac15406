import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { type Client, errors } from 'undici';
import type { Refusal } from '../../core/calls/settings.ts';
import { HEADERS_FRAME, REFUSED_STREAM } from '../common/http2-codes.ts';
import { replaceMethod } from '../common/own-method.ts';
import type { Request, Streams } from './request.ts';
import { isOfSession } from './undici.ts';
import { UnopenedStream } from './unopened-stream.ts';

const kRequest = Symbol('request');
const kPlace = Symbol('place');

/** `kPlace`: how many streams there were when it was opened, itself included. */
type Stream = ClientHttp2Stream & { [kRequest]?: Request | undefined; [kPlace]?: number };

/**
 * What an HTTP/2 connection carries, and what its peer has processed of that. If the peer refuses a stream, or the
 * stream is never opened, its request may go elsewhere, whatever its method. undici would keep it for the same
 * connection, until that has room, or until the other requests have ended.
 */
export class Http2Streams implements Streams {
  /** Whether the peer takes no more streams. What it has accepted goes on. */
  goneAway = false;
  /** Whether the Client is returning what the peer has not processed. */
  givesBack = false;
  /** Whether the Client has written a request, or begun to. */
  hasStarted = false;
  readonly #requests = new Set<Request>();
  /** The event streams. */
  readonly #lasting = new Set<Request>();
  /** The request for which the Client is about to open a stream. */
  #starting: Request | undefined;

  add(request: Request): void {
    this.#requests.add(request);
  }

  has(request: Request): boolean {
    return this.#requests.has(request);
  }

  /** All requests, except upgraded ones. */
  get all(): Iterable<Request> {
    return [...this.#requests, ...this.#lasting];
  }

  /** A request is an event stream, or an upgraded one, from now on. */
  last(request: Request): void {
    this.#requests.delete(request);
    if (!request.upgrades) this.#lasting.add(request);
  }

  delete(request: Request): void {
    this.#requests.delete(request);
    this.#lasting.delete(request);
  }

  /** The Client is about to open a stream for a request. */
  onStart(request: Request): void {
    this.hasStarted = true;
    this.#starting = request;
  }

  /** Sees each stream that the Client opens, before undici does. */
  observe(session: ClientHttp2Session): void {
    const open = session.request;
    const streams = this;
    function onError(this: Stream, error: Error): void {
      if (this.rstCode !== REFUSED_STREAM) return;
      // Like undici.
      const refused = Object.assign(error, { http2ErrorCode: REFUSED_STREAM });
      streams.#take(this)?.refuse(refused, refusalOf(this, session));
    }
    function onFrameError(this: Stream, type: number, code: number): void {
      if (type === HEADERS_FRAME && streams.goneAway) refuseUnsent(this, streams.#take(this), code);
    }
    session.request = (headers, options) => {
      const request = this.#starting;
      this.#starting = undefined;
      try {
        const stream = open.call(session, headers, options) as Stream;
        if (request === undefined) return stream;
        stream[kRequest] = request;
        stream[kPlace] = this.#requests.size + this.#lasting.size;
        return stream.on('error', onError).on('frameError', onFrameError);
      } catch (error) {
        if (request === undefined || isOfSession(error as NodeJS.ErrnoException)) throw error;
        // Node refuses these headers. undici would end the session because of that, with all that it carries.
        request.failUnopened(error as Error);
        return new UnopenedStream() as unknown as ClientHttp2Stream;
      }
    };
  }

  /** The request of a stream, unless it has gone elsewhere or ended: a stream may live longer. */
  #take(stream: Stream): Request | undefined {
    const request = stream[kRequest];
    stream[kRequest] = undefined;
    return request !== undefined && this.#requests.has(request) ? request : undefined;
  }

  /**
   * The peer takes no more streams. The Client has let go of the session: accepted requests end with the session, and
   * the Client keeps those that were refused or never sent. Destroying the Client returns these, and ends nothing else.
   */
  goAway(client: Client, error: Error): void {
    this.goneAway = true;
    this.givesBack = true;
    client.destroy(error, noop);
    this.givesBack = false;
  }

  /** Ends the requests with an error, but not the event streams. */
  cut(error: Error): void {
    for (const request of [...this.#requests]) request.cut(error);
  }

  /** Ends the event streams too. */
  cutAll(error: Error): void {
    this.cut(error);
    for (const request of [...this.#lasting]) request.cut(error);
  }
}

/**
 * Whether the peer refuses a request because it has just said that it takes fewer streams, or none. If there was room
 * for the request anyway, the peer refuses this very request, and would refuse it again. The streams before it may have
 * ended by now.
 */
function refusalOf(stream: Stream, { remoteSettings }: ClientHttp2Session): Refusal {
  const limit = remoteSettings?.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
  if (stream[kPlace]! <= limit) return 'refused';
  return limit > 0 ? 'over-limit' : 'gone-away';
}

/**
 * A stream that was opened while a GOAWAY arrived isn't sent. Node says so while it writes, when a closed stream would
 * corrupt what is written. Node closes the stream itself a moment later.
 */
function refuseUnsent(stream: Stream, request: Request | undefined, code: number): void {
  const restores = [replaceMethod(stream, 'close', noop), replaceMethod(stream, 'destroy', () => stream)];
  request?.refuse(
    new errors.InformationalError(`HTTP/2: "frameError" received - type ${HEADERS_FRAME}, code ${code}`),
    'gone-away',
  );
  for (const restore of restores) restore();
}

function noop(): void {}
